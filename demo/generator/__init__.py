"""Builds the demo world of eks-mcp."""
