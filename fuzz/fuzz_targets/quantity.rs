//! Quantities: what is read is a number, and can be written again.
#![no_main]

use eks_mcp_fuzz::domain::quantity;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for value in [quantity::parse(text), quantity::parse_any(text)].into_iter().flatten() {
        assert!(value.is_finite());
        assert!(!quantity::bytes(value).is_empty() && !quantity::cores(value).is_empty() && !quantity::number(value).is_empty());
    }
});
