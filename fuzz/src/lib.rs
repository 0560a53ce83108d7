//! The modules under fuzz, taken from the sources by path: they are pure, and so nothing of the SDKs is compiled for a target.
#![allow(dead_code, unreachable_pub, reason = "modules are taken whole, and each target uses a part")]

/// What `domain/time.rs` names of the errors; the real ones bring the protocol with them.
pub mod error {
    /// A failure, as far as a parser of times fails.
    #[derive(Debug)]
    pub struct ToolError {
        /// Why.
        pub message: String,
    }

    impl ToolError {
        /// The input is wrong.
        pub fn invalid(message: impl Into<String>) -> Self {
            Self { message: message.into() }
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
    pub mod log;
    pub mod names;
    pub mod object;
    pub mod outbound;
    pub mod quantity;
    pub mod redact;
    pub mod selector;
    pub mod text;
    pub mod time;
}

/// The parser of field selectors, and that of label selectors beside it.
#[path = "../../src/snapshot/apiserver"]
pub mod selectors {
    mod terms;

    use crate::domain::object::Object;
    use crate::domain::selector::LabelSelector;

    /// Parses both kinds and asks the label selector about an object.
    pub fn check(text: &str, object: &Object) {
        match LabelSelector::parse(text) {
            Ok(selector) => {
                let _ = selector.selects(object);
            }
            Err(wrong) => assert!((1..=text.chars().count() + 1).contains(&wrong.at), "{wrong:?}"),
        }
        let _ = terms::parse(text);
    }
}
