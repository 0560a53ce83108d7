//! Structured answers: nothing panics, nothing is masked twice, keys stay, and what leaves is clean.
#![no_main]

use eks_mcp_fuzz::domain::{outbound, redact, text};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|bytes: &[u8]| {
    let Ok(mut value) = serde_json::from_slice::<Value>(bytes) else { return };
    outbound::answer(&mut value);
    assert_eq!(redact::value(&mut value), 0, "{value}");
    check(&value);
});

fn check(value: &Value) {
    match value {
        Value::String(content) => assert!(text::is_clean(content)),
        Value::Array(items) => items.iter().for_each(check),
        Value::Object(fields) => fields.iter().for_each(|(key, value)| {
            assert!(text::is_clean(key));
            check(value);
        }),
        _ => {}
    }
}
