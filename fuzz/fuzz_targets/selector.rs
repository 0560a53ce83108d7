//! Label and field selectors: whatever is asked for, an answer or a refusal.
#![no_main]

use std::sync::LazyLock;

use eks_mcp_fuzz::domain::object::Object;
use eks_mcp_fuzz::selectors;
use libfuzzer_sys::fuzz_target;
use serde_json::json;

static POD: LazyLock<Object> =
    LazyLock::new(|| Object::new(json!({"metadata": {"name": "a", "labels": {"app": "web", "size": "7", "in": "x"}}})));

fuzz_target!(|text: &str| selectors::check(text, &POD));
