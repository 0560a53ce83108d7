//! Text: nothing panics, and what was redacted once has nothing left to redact.
#![no_main]

use eks_mcp_fuzz::domain::redact;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let (once, hidden) = redact::text(&text);
    let (twice, again) = redact::text(&once);
    assert_eq!((again, &twice), (0, &once), "after {hidden}");
});
