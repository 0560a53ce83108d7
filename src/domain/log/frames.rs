//! Frames of stack traces: which are the program's own.

/// Parts of frames that belong to a runtime or a library, in any language.
const FOREIGN: &[&str] = &[
    // JVM
    "java.base/",
    "java.",
    "javax.",
    "jdk.",
    "sun.",
    "jakarta.",
    "kotlin.",
    "scala.",
    "org.springframework.",
    "org.apache.",
    "org.hibernate.",
    "org.eclipse.",
    "io.netty.",
    "reactor.",
    "io.vertx.",
    "com.fasterxml.",
    "com.zaxxer.",
    "com.sun.",
    "io.grpc.",
    // Python
    "/lib/python",
    "site-packages",
    "dist-packages",
    "<frozen ",
    // Node
    "node:",
    "node_modules",
    "internal/",
    "(internal",
    "<anonymous>",
    // Go
    "/usr/local/go/",
    "/go/pkg/mod/",
    "/opt/go/",
    "runtime/",
    "/golang.org/",
    // Rust
    "/rustc/",
    ".cargo/registry",
    "rust_begin_unwind",
    "core::",
    "std::",
    "alloc::",
    "tokio::",
    "<core::",
    "<std::",
    "__rust",
    // .NET
    "System.",
    "Microsoft.",
    "Npgsql.",
    "lambda_method",
];

/// Frames that are kept of one trace.
const KEPT: usize = 2;

/// Which end of a trace is nearest to the fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// The innermost call stands first, as in most languages.
    InnermostFirst,
    /// The innermost call stands last, as in Python.
    InnermostLast,
}

/// The frames that tell most about a trace.
#[derive(Debug, Default)]
pub(super) struct Frames {
    own: Vec<String>,
    any: Option<String>,
    /// How many lines were frames.
    pub(super) seen: usize,
}

impl Frames {
    /// Looks at a line of a trace; keeps it when it is a telling frame.
    pub(super) fn add(&mut self, line: &str, order: Order) {
        let line = line.trim();
        if !is_frame(line) {
            return;
        }
        self.seen += 1;
        let foreign = FOREIGN.iter().any(|it| line.contains(it) && !is_own_despite(line, it));
        match order {
            _ if foreign => {
                if self.any.is_none() || order == Order::InnermostLast {
                    self.any = Some(short(line));
                }
            }
            Order::InnermostFirst if self.own.len() < KEPT => self.own.push(short(line)),
            Order::InnermostFirst => {}
            Order::InnermostLast => {
                if self.own.len() == KEPT {
                    self.own.remove(0);
                }
                self.own.push(short(line));
            }
        }
    }

    /// The frames of the program itself, else the one nearest to the fault.
    pub(super) fn telling(self) -> Vec<String> {
        if self.own.is_empty() { self.any.into_iter().collect() } else { self.own }
    }
}

/// A package of our reader's may contain the name of a library, as `com.acme.java.x` does.
fn is_own_despite(line: &str, foreign: &str) -> bool {
    if !foreign.ends_with('.') && !foreign.ends_with("::") {
        return false;
    }
    let before = line.find(foreign).and_then(|at| line.get(..at)).unwrap_or_default();
    before.ends_with(|it: char| it.is_ascii_alphanumeric() || matches!(it, '.' | ':' | '_' | '/'))
}

/// Whether a line of a trace, without its indentation, is a frame.
pub(super) fn is_frame(line: &str) -> bool {
    line.starts_with("at ")
        || line.starts_with("File \"")
        // Go: the path below the function, with an offset or not.
        || (line.starts_with('/') && line.contains(".go:"))
        // Rust: `  12: acme::main`.
        || line.split_once(": ").is_some_and(|(number, name)| {
            (1..=3).contains(&number.len()) && number.bytes().all(|it| it.is_ascii_digit()) && (name.contains("::") || name.ends_with("main") || name.starts_with("0x"))
        })
}

fn short(line: &str) -> String {
    crate::domain::text::cut(line.split(" +0x").next().unwrap_or(line), 160)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn telling(trace: &str, order: Order) -> Vec<String> {
        let mut frames = Frames::default();
        trace.lines().for_each(|it| frames.add(it, order));
        frames.telling()
    }

    #[test]
    fn the_frames_of_the_program_are_told_from_those_of_libraries() {
        let java = "\tat java.base/java.util.Objects.requireNonNull(Objects.java:233)\n\tat com.acme.Shop.pay(Shop.java:41)\n\tat org.springframework.web.X.y(X.java:1)\n\tat com.acme.java.Main.main(Main.java:7)\n\tat com.acme.Z.z(Z.java:1)";
        assert_eq!(
            telling(java, Order::InnermostFirst),
            ["at com.acme.Shop.pay(Shop.java:41)", "at com.acme.java.Main.main(Main.java:7)"]
        );
        let python = "  File \"/app/main.py\", line 3, in <module>\n    run()\n  File \"/app/shop.py\", line 9, in run\n  File \"/app/db.py\", line 2, in connect\n  File \"/usr/lib/python3.12/site-packages/x.py\", line 1, in y";
        assert_eq!(
            telling(python, Order::InnermostLast),
            ["File \"/app/shop.py\", line 9, in run", "File \"/app/db.py\", line 2, in connect"]
        );
        let node = "    at Module._compile (node:internal/modules/cjs/loader:1105:14)";
        assert_eq!(telling(node, Order::InnermostFirst), ["at Module._compile (node:internal/modules/cjs/loader:1105:14)"]);
        let rust = "   0: rust_begin_unwind\n             at /rustc/abc/library/std/src/panicking.rs:1:1\n   3: acme::pay\n             at ./src/main.rs:4:5";
        assert_eq!(telling(rust, Order::InnermostFirst), ["3: acme::pay", "at ./src/main.rs:4:5"]);
    }
}
