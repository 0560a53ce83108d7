//! What is wrong and why.

pub mod troubleshoot;
