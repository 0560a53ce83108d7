//! How stack traces of each language begin and go on.

use std::sync::LazyLock;

use regex::Regex;

use super::frames::Order;

/// The language of a trace, as far as it decides which lines belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trace {
    /// Not a trace, or none that was recognised: only indented lines go on.
    None,
    /// `Traceback (most recent call last):`, frames, and the exception at the end.
    Python,
    /// `panic: …`, then goroutines.
    Go,
    /// `/app/index.js:10`, the source line, then the exception.
    Node,
    /// `thread 'main' panicked at …`, the message on the next line.
    Rust,
    /// `fail: Category[0]` of .NET, the message on the next line.
    DotNet,
    /// An exception with frames, as Java and most others write it.
    Exception,
}

/// What a line does to the entry before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// It begins a new entry.
    New,
    /// It goes on and says nothing of its own.
    More,
    /// It goes on and says what went wrong.
    Conclusion,
    /// It goes on and names the deeper cause.
    Cause,
}

static EXCEPTION: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^(?:Uncaught |Unhandled exception\. |Unhandled rejection )?[A-Za-z_][\w$]*(?:[.:\\]{1,2}[A-Za-z_][\w$]*)*(?:Error|Exception|Failure|Fault|Interrupt|Exit|Throwable)\b(?: \[\w+\])?(?::|\s*$| \()").ok()
});
static QUALIFIED: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^(?:[a-z_][\w$]*\.)+[A-Z][\w$]*(?:Error|Exception|Throwable|Failure)\b").ok());
static GO_CALL: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^[A-Za-z_][\w./*()\[\]{}…%~@·-]*\([^ ]*.*\)$").ok());
static NODE_HEAD: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^(?:file://)?/\S+\.[cm]?[jt]sx?:\d+$").ok());
static DOTNET_HEAD: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^(?:trce|dbug|info|warn|fail|crit): \S+\[\d+\]$").ok());

fn hits(pattern: &LazyLock<Option<Regex>>, text: &str) -> bool {
    pattern.as_ref().is_some_and(|it| it.is_match(text))
}

/// Whether a line begins with the name of an exception.
pub(super) fn is_exception(line: &str) -> bool {
    // Every such name has a capital letter, and most lines do not even begin with a word that has one.
    let named = line.starts_with("Un") || head(line).bytes().any(|it| it.is_ascii_uppercase());
    named && line.len() < 4_096 && hits(&EXCEPTION, line)
}

/// The text up to the first blank.
fn head(line: &str) -> &str {
    line.split(' ').next().unwrap_or_default()
}

impl Trace {
    /// The trace that a head begins; `message` is the head without the wrapping of its logger.
    pub(super) fn of(line: &str, message: &str) -> Self {
        if message.starts_with("Traceback (most recent call last)") {
            Self::Python
        } else if message.starts_with("panic: ") || message.starts_with("fatal error: ") {
            Self::Go
        } else if message.starts_with("thread '") && message.contains("panicked at") {
            Self::Rust
        } else if line.starts_with(['/', 'f']) && hits(&NODE_HEAD, line) {
            Self::Node
        } else if line.ends_with(']') && hits(&DOTNET_HEAD, line) {
            Self::DotNet
        } else if message.starts_with("Exception in thread ") || is_exception(message) {
            Self::Exception
        } else {
            Self::None
        }
    }

    /// Which end of the trace is nearest to the fault.
    pub(super) fn order(self) -> Order {
        if self == Self::Python { Order::InnermostLast } else { Order::InnermostFirst }
    }

    /// Whether the head says nothing and the conclusion all.
    pub(super) fn is_told_by_its_conclusion(self) -> bool {
        matches!(self, Self::Python | Self::Node)
    }

    /// What a line that is not indented does to an entry of this trace. `concluded`: the conclusion has been read.
    pub(super) fn next(self, line: &str, concluded: bool) -> Next {
        let starts = |heads: &[&str]| heads.iter().any(|it| line.starts_with(it));
        if starts(&["Caused by: ", "Suppressed: ", "Wrapped by: "]) {
            return Next::Cause;
        }
        if matches!(line, "}" | "]" | ")" | "};" | "}," | "])" | "})") || (starts(&["... "]) && line.ends_with(" more")) {
            return Next::More;
        }
        match self {
            Self::Python => {
                if starts(&["During handling of the above", "The above exception was the direct cause", "Traceback (most recent"])
                {
                    Next::More
                } else if !concluded {
                    Next::Conclusion
                } else if is_exception(line) {
                    // The exception that was raised while the first one was handled is the one that came out.
                    Next::Cause
                } else {
                    Next::New
                }
            }
            Self::Go
                if starts(&["goroutine ", "[signal ", "created by ", "exit status ", "[recovered]", "\tpanic:"])
                    || hits(&GO_CALL, line) =>
            {
                Next::More
            }
            Self::Rust if !concluded => Next::Conclusion,
            Self::Rust if starts(&["stack backtrace:", "note: "]) => Next::More,
            Self::Node if !concluded && is_exception(line) => Next::Conclusion,
            Self::Node | Self::Exception if starts(&["Node.js v", "Thrown at:"]) => Next::More,
            _ => Next::New,
        }
    }
}

/// Whether a line that is not indented begins the trace of the error that the line before it reported.
pub(super) fn follows_error(line: &str) -> Option<(Trace, Next)> {
    if line.starts_with("Traceback (most recent call last)") {
        Some((Trace::Python, Next::More))
    } else if head(line).contains('.') && hits(&QUALIFIED, line) {
        Some((Trace::Exception, Next::Conclusion))
    } else {
        None
    }
}
