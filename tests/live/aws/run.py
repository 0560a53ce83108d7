"""The AWS gate: the real binary against wire-true stand-ins for AWS and for a cluster's API server.

    run.py BINARY      (or EKS_MCP_BINARY)
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from check_accounts import check_accounts
from check_answers import check_answers
from check_credentials import check_credentials
from check_failures import check_failures
from check_parts import check_parts
from check_report import check_report
from check_ways import check_ways
from gate import open_gate
from harness import Report, binary_path


def main():
    """Runs all checks; the exit code says whether all of them passed."""
    report = Report()
    with open_gate(binary_path(sys.argv[1:])) as gate:
        check_answers(report, gate)
        check_parts(report, gate)
        check_failures(report, gate)
        check_credentials(report, gate)
        check_accounts(report, gate)
        check_ways(report, gate)
        check_report(report, gate)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
