//! The text cleaner: what is clean stays, and lines are cut at characters.
#![no_main]

use eks_mcp_fuzz::domain::{instructions, text};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let input = String::from_utf8_lossy(bytes);
    let clean = text::clean(&input);
    assert!(text::is_clean(&clean) && text::clean(&clean) == clean);
    if text::is_clean(&input) {
        assert_eq!(clean, input);
    }
    let _ = text::clean_line(&input);
    let _ = text::cut(&input, bytes.len() / 2);
    let _ = instructions::count(&input);
});
