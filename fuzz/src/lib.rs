//! The modules under fuzz, taken from the sources by path: they are pure, and so nothing of the SDKs is compiled for a target.
#![allow(dead_code, unreachable_pub, reason = "modules are taken whole, and each target uses a part")]

/// What `domain/time.rs` names of the errors; the real ones bring the protocol with them.
pub mod error {
    /// A failure, as far as a parser of times fails.
    #[derive(Debug)]
    pub struct ToolError(pub String);

    impl ToolError {
        /// The input is wrong.
        pub fn invalid(message: impl Into<String>) -> Self {
            Self(message.into())
        }

        /// The next step, which no target looks at.
        #[must_use]
        pub fn with_hint(self, _: impl Into<String>) -> Self {
            self
        }
    }
}

/// As `eks_mcp::domain`.
#[path = "../../src/domain"]
pub mod domain {
    pub mod instructions;
    pub mod names;
    pub mod object;
    pub mod outbound;
    pub mod quantity;
    pub mod redact;
    pub mod text;
    pub mod time;
}

/// The parsers of selectors.
#[path = "../../src/snapshot/apiserver"]
pub mod selectors {
    mod selector;
    mod terms;

    use crate::domain::object::Object;

    /// Parses both kinds and asks the label selector about an object.
    pub fn check(text: &str, object: &Object) {
        if let Ok(selector) = selector::LabelSelector::parse(text) {
            let _ = selector.selects(object);
        }
        let _ = terms::parse(text);
    }
}
