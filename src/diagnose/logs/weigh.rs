//! How much each line of a log tells about its end. Knows lines and their order, not what the cluster says.

use std::collections::HashMap;
use std::sync::LazyLock;

use regex::Regex;

use super::{Class, ERROR, EXCEPTION, classify, hits, unstamped, without_own_stamp};

/// Weight of what a process says when it gives up.
const FATAL_WEIGHT: i32 = 7;
/// Weight from which a line is an error.
const ERROR_WEIGHT: i32 = 4;

/// What a line is to the lines around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// A frame, a property or another part of the error before it.
    Frame,
    /// It complains.
    Complaint,
    /// It tells of waiting, of another attempt or of the end: what failed before it has not been mended.
    Aftermath,
    /// It tells of ordinary work, which goes on after what failed before it.
    Work,
}

struct Seen<'a> {
    line: &'a str,
    class: Class,
    weight: i32,
    part: Part,
}

/// What the lines before make of the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum After {
    Nothing,
    /// Frames and source lines of Python, until the exception.
    Traceback,
    /// Frames of Go.
    Goroutine,
    /// A head whose message stands on the next line, and what that weighs.
    Head(i32),
    /// Where Node.js stopped; the exception follows the source line.
    Stop,
    /// What a program accepts, printed because it was called wrongly.
    Usage,
}

static FATAL: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(?i)(?:^|[^-\w])(?:fatal|panic|critical|emerg)\b").ok());
// A level at its place, a head of what nobody caught, or the words with which a runtime ends.
static LAST_WORDS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let says = [
        r"^F\d{4} ",
        r"^\W?(?:FATAL|CRITICAL|EMERG|PANIC)\b",
        r"^(?:\S+ ){1,3}?\W?(?:FATAL|CRITICAL|EMERG|PANIC|emerg)\b",
        r"^\S* ?\[emerg\]",
        r"^(?i:fatal|fatal error|panic|critical): ",
        r#"(?i)\blevel"?[=:] ?"?(?:fatal|d?panic|critical|emerg)"#,
        r"^thread '.*' panicked at '",
        r"^(?i:unhandled exception|uncaught )",
        r"^(?i:unhandled ?(?:promise ?)?rejection)",
        r#"^Exception in thread ""#,
        r"^terminate called",
        r"^Terminating due to ",
    ];
    Regex::new(&says.join("|")).ok()
});
static WARNING: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(?i)\bwarn(?:ing)?\b|not set|missing|required").ok());
static LEVEL_WARNING: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"(?i:\blevel"?[=:] ?"?warn)|^W\d{4} |^(?:\S+ ){0,3}?\W?WARN(?:ING)?\b|^(?i:warn(?:ing)?):"#).ok()
});
static LEVEL_INFORMATION: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let says = [
        r#"(?i:\blevel"?[=:] ?"?(?:info|debug|trace|notice)\b)"#,
        r"^I\d{4} ",
        r"^(?:\S+ ){0,3}?\W?(?:INFO|DEBUG|TRACE|NOTICE)\b",
        r"^\W?(?i:info|debug|trace|notice|dbug|trce)[\]:]",
    ];
    Regex::new(&says.join("|")).ok()
});
static LEVEL: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^\W?(?:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|CRITICAL|FATAL)\b").ok());
static FRAME: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let says = [
        r"^at \S",
        r#"^File ""#,
        r"^\.\.\. \d+ (?:more|common)",
        r"^from \S+:\d+",
        r"^\S+\.\w{1,4}:\d+:in ",
        r"^\S+\.(?:go|s):\d+(?: \+0x|$)",
        r"^(?:goroutine \d+ \[|created by |\[signal )",
        r"^[\^~]+$",
        r"^[\])}]+[,;]?$",
        r"^(?:Node\.js v|stack backtrace:|note: |Require stack:|Thrown at:|- /)",
    ];
    Regex::new(&says.join("|")).ok()
});
static PROPERTY: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"^\[?[A-Za-z_$][\w$]*\]?: (?:'[^']*'|"[^"]*"|`[^`]*`|-?\d+|\w+|[\[{].*)[,\s]*$"#).ok());
static GO_CALL: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^[A-Za-z_][\w./*()\[\]{}…%~@·-]*\(.*\)$").ok());
static NODE_HEAD: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^(?:(?:file://)?/\S+\.[cm]?[jt]sx?|node:\S+):\d+$").ok());
static RUST_HEAD: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^thread '.*' (?:\(\d+\) )?panicked at \S+:\d+:\d+:$").ok());
static DOTNET_HEAD: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^(fail|crit): \S+\[\d+\]$").ok());
static USAGE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^(?:Usage\b|usage: |USAGE\b)").ok());
static COMPLAINT_AT_START: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^(?:\S+: )?(?i:error|fatal|panic)\b|^[EF]\d{4} |\blevel=(?:error|fatal)").ok());
// What a program says of its own call weighs as much as an exception.
static PLAIN_ERROR: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^[Ee]rror: |^\S+: error: |flag provided but not defined|unknown (?:shorthand )?flag").ok());
// What package managers say about the end of what they ran.
static SUMMARY: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let says = [
        r"^npm (?:error|ERR!)(?:$| (?:code|path|errno|signal|command|syscall|Lifecycle|A complete log|workspace|location|Exit status|Failed at|This is|\s|\S+@\S+ \S+:))",
        r"^(?:yarn )?error Command failed",
        r"ELIFECYCLE",
        r"(?i)^\(?background on this error",
        r"(?i)see (?:the )?full (?:log|trace)",
        r"(?i)^[\w:*()' -]*(?:check|see) the logs? (?:at|in)\b",
    ];
    Regex::new(&says.join("|")).ok()
});
static PACKAGE_MANAGER: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^(?:npm (?:error|ERR!)|yarn error)").ok());
// Where measurements, traces and reports of errors are sent: nothing ends because they are not taken.
static SINK: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?i)\b(?:otel\w*|otlp\w*|opentelemetry|statsd|sentry|jaeger|zipkin|telemetry)\b|:(?:4317|4318|8125|8126|14268|9411)\b",
    )
    .ok()
});
static SUM: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)giv(?:e|ing) up|after \d+ (?:attempts|retries|tries)|(?:attempts|retries) (?:exhausted|exceeded)|too many (?:attempts|retries)|(?:cannot|could not|unable to|failed to) (?:connect|reach)").ok()
});
static AFTERMATH: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)retry|retries|again\b|\bwait|back.?off|sleep|shut|\bstop|\bexit|terminat|giv(?:e|ing) up|abort|flush|\bclos(?:e|ing)|\bbye\b|quit|drain|clean.?up").ok()
});

/// Index and class of the line that tells most.
pub(super) fn best(lines: &[&str], text: &str) -> Option<(usize, Class)> {
    let mut seen = sight(lines, text);
    set_sinks_aside(&mut seen);
    let mut alike: HashMap<String, usize> = HashMap::new();
    for it in &seen {
        *alike.entry(shape(it.line)).or_default() += 1;
    }
    let last = last_block(&seen);
    set_sums_aside(&mut seen, &last);
    let mut best: Option<(i32, usize)> = None;
    // Frames do not move an error away from the end.
    let mut distance = seen.iter().filter(|it| it.part != Part::Frame).count();
    for (index, it) in seen.iter().enumerate() {
        let here = distance;
        if it.part != Part::Frame {
            distance = distance.saturating_sub(1);
        }
        if it.weight == 0 {
            continue;
        }
        let mut score = it.weight;
        score += match here {
            ..=5 => 2,
            6..=20 => 1,
            _ => 0,
        };
        if alike.get(&shape(it.line)) == Some(&1) {
            score += 1;
        }
        if last.get(index) == Some(&true) {
            score += 2;
        }
        if it.weight < FATAL_WEIGHT && is_survived(&seen, index) {
            score -= 2;
        }
        // The later of two equal lines is nearer to the end.
        if best.is_none_or(|(most, _)| score >= most) {
            best = Some((score, index));
        }
    }
    best.and_then(|(_, index)| seen.get(index).map(|it| (index, it.class.clone())))
}

fn sight<'a>(lines: &[&'a str], text: &str) -> Vec<Seen<'a>> {
    let mut after = After::Nothing;
    // What the head of the present trace weighs: the deeper cause below it tells no less.
    let mut head = 0;
    let mut seen = Vec::with_capacity(lines.len());
    for line in lines {
        let bare = unstamped(line);
        let words = without_own_stamp(bare).trim();
        let mut class = classify(bare, text);
        let indented = bare.starts_with([' ', '\t']) && !hits(&LEVEL, words);
        let (part, weight, next) = match step(after, indented, words) {
            Step::Frame(next) => (Part::Frame, 1, next),
            Step::Nothing(next) => (Part::Frame, 0, next),
            Step::Says(least, next) => {
                let mut weight = weight(words, &class, indented).max(least);
                if words.starts_with("Caused by: ") {
                    weight = weight.max(head);
                }
                let part = if weight == 1 {
                    Part::Frame
                } else if weight >= ERROR_WEIGHT {
                    Part::Complaint
                } else if indented || weight > 1 || hits(&AFTERMATH, words) {
                    Part::Aftermath
                } else {
                    Part::Work
                };
                (part, weight, next)
            }
        };
        after = next;
        if part != Part::Frame {
            head = weight;
        }
        if class == Class::Other && weight >= ERROR_WEIGHT {
            class = Class::Error;
        }
        seen.push(Seen { line, class, weight, part });
    }
    seen
}

enum Step {
    /// It belongs to the error before it.
    Frame(After),
    /// It tells nothing at all.
    Nothing(After),
    /// It speaks for itself and weighs at least this.
    Says(i32, After),
}

fn step(after: After, indented: bool, words: &str) -> Step {
    match after {
        After::Usage if indented || !(hits(&COMPLAINT_AT_START, words) || hits(&LAST_WORDS, words)) => {
            return Step::Nothing(After::Usage);
        }
        After::Traceback if indented || words.starts_with("Traceback (") => return Step::Frame(After::Traceback),
        After::Traceback => return Step::Says(6, After::Nothing),
        After::Head(weight) => return Step::Says(weight, After::Nothing),
        After::Goroutine if hits(&GO_CALL, words) => return Step::Frame(After::Goroutine),
        After::Stop if !(hits(&EXCEPTION, words) || hits(&PLAIN_ERROR, words)) => return Step::Frame(After::Stop),
        After::Stop => return Step::Says(FATAL_WEIGHT, After::Nothing),
        _ => {}
    }
    if hits(&USAGE, words) {
        Step::Nothing(After::Usage)
    } else if words.starts_with("Traceback (") {
        Step::Frame(After::Traceback)
    } else if words.starts_with("goroutine ") {
        Step::Frame(After::Goroutine)
    } else if hits(&NODE_HEAD, words) {
        Step::Frame(After::Stop)
    } else if hits(&RUST_HEAD, words) {
        Step::Frame(After::Head(FATAL_WEIGHT))
    } else if hits(&DOTNET_HEAD, words) {
        Step::Frame(After::Head(if words.starts_with("crit") { FATAL_WEIGHT } else { 5 }))
    } else if is_frame(words) {
        Step::Frame(if after == After::Goroutine { after } else { After::Nothing })
    } else {
        Step::Says(0, After::Nothing)
    }
}

/// Whether a line, without indentation, is a frame of a trace or a source line marked in it.
fn is_frame(words: &str) -> bool {
    hits(&FRAME, words)
}

fn weight(words: &str, class: &Class, indented: bool) -> i32 {
    let network = matches!(class, Class::NoCredentials | Class::Unresolved(_) | Class::Refused(_) | Class::TimedOut(_));
    let placed =
        matches!(class, Class::NoCredentials | Class::Unresolved(Some(_)) | Class::Refused(Some(_)) | Class::TimedOut(Some(_)));
    // Of an error that is printed as an object, the line with the message tells more.
    if indented && (!network || !placed && hits(&PROPERTY, words)) {
        return 1;
    }
    if hits(&SUMMARY, words) && !placed {
        return 1;
    }
    let quiet = hits(&LEVEL_INFORMATION, words);
    let warned = hits(&LEVEL_WARNING, words);
    let base = match (network, placed) {
        _ if !quiet && !warned && hits(&LAST_WORDS, words) => FATAL_WEIGHT,
        (true, true) if !quiet && !warned => 6,
        (true, _) => 5,
        _ if quiet => 0,
        _ if hits(&PACKAGE_MANAGER, words) => 2,
        _ if warned && hits(&ERROR, words) => 3,
        _ if hits(&EXCEPTION, words) || hits(&FATAL, words) || hits(&PLAIN_ERROR, words) => 5,
        _ if hits(&ERROR, words) => 4,
        _ if hits(&WARNING, words) => 2,
        _ => 0,
    };
    let lower = words.to_lowercase();
    let says = |noise: &[&str]| noise.iter().any(|it| lower.contains(it));
    match base {
        ..=1 => base,
        _ if says(&["exit code", "exit status", "exited with"]) => base - 2,
        _ if says(&["retrying", "will retry", "deprecat", "shutting down", "kube-probe"]) => base - 1,
        _ => base,
    }
}

/// That a measurement cannot be sent decides nothing while anything else went wrong.
fn set_sinks_aside(seen: &mut [Seen<'_>]) {
    let is_sink = |it: &Seen<'_>| it.weight < FATAL_WEIGHT && hits(&SINK, it.line);
    if seen.iter().any(|it| it.weight >= ERROR_WEIGHT && !is_sink(it)) {
        for it in seen.iter_mut().filter(|it| is_sink(it)) {
            it.weight = 0;
            it.part = Part::Aftermath;
        }
    }
}

/// `giving up after 5 attempts` tells less than the attempt before it, whichever level it has.
fn set_sums_aside(seen: &mut [Seen<'_>], last: &[bool]) {
    let mut attempted = false;
    for (it, last) in seen.iter_mut().zip(last) {
        let placed =
            matches!(it.class, Class::Unresolved(Some(_)) | Class::Refused(Some(_)) | Class::TimedOut(Some(_))) && it.weight > 1;
        if *last && attempted && !placed && hits(&SUM, it.line) {
            it.weight = it.weight.min(ERROR_WEIGHT - 1);
        }
        attempted |= *last && placed;
    }
}

/// The errors between which and the end no ordinary work was told.
fn last_block(seen: &[Seen<'_>]) -> Vec<bool> {
    let mut marked = vec![false; seen.len()];
    let mut begun = false;
    for (it, mark) in seen.iter().zip(marked.iter_mut()).rev() {
        match it.part {
            Part::Complaint => (*mark, begun) = (true, true),
            Part::Work if begun => break,
            Part::Frame | Part::Aftermath | Part::Work => {}
        }
    }
    marked
}

/// Whether ordinary work follows an error.
fn is_survived(seen: &[Seen<'_>], index: usize) -> bool {
    seen.iter().skip(index + 1).find(|it| it.part != Part::Frame).is_some_and(|it| it.part == Part::Work)
}

/// Up to two lines after an error that say what it leaves open.
pub(super) fn continuation<'a>(lines: &[&'a str], index: usize) -> Vec<&'a str> {
    let Some(line) = lines.get(index) else { return Vec::new() };
    let rest = lines.get(index + 1..).unwrap_or_default();
    let lists = VALIDATION.as_ref().is_some_and(|it| it.is_match(line));
    // `Caused by:` that stands alone is followed by what it announces.
    let skipped = usize::from(rest.first().is_some_and(|it| unstamped(it).trim_end() == "Caused by:"));
    let tells = |(place, it): &(usize, &&'a str)| {
        let bare = unstamped(it);
        let words = bare.trim();
        let follows = bare.starts_with([' ', '\t']) || lists && *place == 0;
        follows
            && !is_frame(words)
            && !hits(&PROPERTY, words)
            && !hits(&LEVEL, words)
            && !words.starts_with("For further information")
    };
    rest.iter().skip(skipped).take(2).enumerate().take_while(tells).map(|(_, it)| *it).collect()
}

static VALIDATION: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\b\d+ validation errors? for \S").ok());

/// A line without what differs between repeats of it.
fn shape(line: &str) -> String {
    line.chars().filter(|it| !it.is_ascii_digit()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{Class, continuation, deciding, name_trouble, said};

    /// The sentence of the line that decides.
    fn decided(text: &str) -> String {
        said(deciding(text).unwrap().line)
    }

    /// The log as it is read with timestamps.
    fn stamped(text: &str) -> String {
        text.lines().flat_map(|it| ["2026-01-05T11:00:00.123456789Z ", it, "\n"]).collect()
    }

    #[test]
    fn codes_of_the_network_are_words_of_their_own() {
        for (line, unresolved) in [
            ("FileNotFoundError: [Errno 2] No such file or directory: 'a.html'", false),
            ("ModuleNotFoundError: No module named 'yaml'", false),
            ("ResourceNotFoundException: Requested resource not found", false),
            ("OSError: [Errno 14] Bad address: '/dev/x'", false),
            ("Error: getaddrinfo ENOTFOUND db", true),
            ("Error: getaddrinfo EAI_AGAIN db", true),
            ("nc: bad address 'db'", true),
        ] {
            assert_eq!(matches!(deciding(line).unwrap().class, Class::Unresolved(_)), unresolved, "{line}");
        }
    }

    #[test]
    fn times_before_lines_change_nothing_and_stay_in_the_quote() {
        for (text, expected) in [
            (
                "Error: bad configuration\n    at failed (/app/lib/error.js:8:1)\n    at load (/app/error.js:4:2)\n",
                "Error: bad configuration",
            ),
            (
                "I0105 11:00:00.000000       1 main.go:2] error budget loaded\nF0105 11:00:01.000000       1 main.go:6] no budget\n",
                "F0105 11:00:01.000000       1 main.go:6] no budget",
            ),
            ("{\"level\":\"info\",\"msg\":\"no error\"}\n{\"level\":\"error\",\"msg\":\"no rules\"}\n", "no rules"),
            (
                "2026-01-05T11:00:00.001Z  INFO 1 --- [main] a.B : failed over\n2026-01-05T11:00:00.002Z ERROR 1 --- [main] a.B : no key\n",
                "ERROR 1 --- [main] a.B : no key",
            ),
        ] {
            assert_eq!(decided(text), expected);
            let with_time = stamped(text);
            assert_eq!(decided(&with_time), expected);
            assert!(deciding(&with_time).unwrap().line.starts_with("2026-01-05T11:00:00.123456789Z "));
        }
    }

    #[test]
    fn what_the_process_survived_does_not_explain_its_end() {
        for (text, expected) in [
            (
                "level=ERROR msg=\"ping\" err=\"dial tcp 10.0.0.4:6379: i/o timeout\"\nlevel=INFO msg=\"cache is there\"\nlevel=ERROR msg=\"no rules\"\n",
                "no rules",
            ),
            (
                "ERROR dial tcp 10.0.0.4:9092: connect: connection refused\nINFO connected to broker\npanic: nil map\n\ngoroutine 7 [running]:\nmain.run(0x1)\n\t/src/main.go:5 +0x1\n",
                "panic: nil map",
            ),
            // What is only waited for is not survived.
            (
                "ERROR dial tcp 10.0.0.4:5432: connect: connection refused\nINFO retrying in 2s\nERROR dial tcp 10.0.0.4:5432: connect: connection refused\nINFO shutting down\n",
                "ERROR dial tcp 10.0.0.4:5432: connect: connection refused",
            ),
            (
                "FATAL no such subscription\nINFO flushing\nERROR otel: cannot export: connection refused http://collector:4318\nINFO bye\n",
                "FATAL no such subscription",
            ),
            // Who gives up says less than the attempt before, unless the attempt succeeded.
            (
                "WARN dial tcp 10.0.0.4:25: connect: connection refused\nFATAL giving up after 5 attempts\n",
                "WARN dial tcp 10.0.0.4:25: connect: connection refused",
            ),
            (
                "WARN dial tcp 10.0.0.4:25: connect: connection refused\nINFO mail is sent\nFATAL giving up after 5 attempts\n",
                "FATAL giving up after 5 attempts",
            ),
            // A sink decides where nothing else went wrong.
            (
                "INFO start\nERROR otel: cannot export: connection refused http://collector:4318\n",
                "ERROR otel: cannot export: connection refused http://collector:4318",
            ),
            (
                "INFO model loaded\nleaving because of java.lang.StackOverflowError: deep\nINFO non-fatal state\n",
                "leaving because of java.lang.StackOverflowError: deep",
            ),
        ] {
            assert_eq!(decided(text), expected);
            assert_eq!(decided(&stamped(text)), expected);
        }
    }

    #[test]
    fn what_sums_up_or_explains_the_call_is_not_the_error() {
        for (text, expected) in [
            (
                "/app/a.js:1\nlet a = b.c;\n      ^\n\nTypeError: Cannot read properties of undefined\n    at x (/app/a.js:1:2)\n\nNode.js v22.1.0\nnpm error code 1\nnpm error command failed\n",
                "TypeError: Cannot read properties of undefined",
            ),
            (
                "npm error code 1\nnpm error Missing script: \"start\"\nnpm error A complete log of this run can be found in: /x\n",
                "npm error Missing script: \"start\"",
            ),
            (
                "Error: unknown flag: --leader\nUsage:\n  run [flags]\n\nFlags:\n      --on-error string   what to do on error\n",
                "Error: unknown flag: --leader",
            ),
            (
                "flag provided but not defined: -addr\nUsage of /run:\n  -config string\n    \tOnly required out of the cluster.\n",
                "flag provided but not defined: -addr",
            ),
            // Others print the error below.
            (
                "usage: run [-h]\nrun: error: the following arguments are required: --port\n",
                "run: error: the following arguments are required: --port",
            ),
            ("ERROR no key `port`\nERROR: main exited, exit code 1\n", "ERROR no key `port`"),
        ] {
            assert_eq!(decided(text), expected);
            assert_eq!(decided(&stamped(text)), expected);
        }
    }

    #[test]
    fn properties_and_frames_do_not_outweigh_the_message() {
        let object = "AxiosError: connect ECONNREFUSED 10.0.0.9:80\n    at from (/app/axios.cjs:8:1) {\n  port: 80,\n  code: 'ECONNREFUSED',\n  config: {}\n}\n";
        assert_eq!(decided(object), "AxiosError: connect ECONNREFUSED 10.0.0.9:80");
        let source = "Traceback (most recent call last):\n  File \"a.py\", line 1, in x\n    raise ConnectionError(\"connection refused http://a:80\")\nValueError: no port\n";
        assert_eq!(decided(source), "ValueError: no port");
        // An indented line that names the host is the cause of the line above it.
        let nested = "Error: cannot open database:\n\t10.0.0.1:5432 (db): dial tcp 10.0.0.1:5432: connect: connection refused\n";
        assert!(matches!(deciding(nested).unwrap().class, Class::Refused(Some(_))));
        let java = "Exception in thread \"main\" a.B: cannot start\n\tat a.B.run(B.java:1)\nCaused by: a.C: no key `port`\n\tat a.C.run(C.java:1)\n\t... 4 more\n";
        assert_eq!(decided(java), "Caused by: a.C: no key `port`");
        assert_eq!(
            decided("thread 'main' panicked at src/main.rs:3:5:\nno port\nnote: run with `RUST_BACKTRACE=1`\n"),
            "no port"
        );
    }

    #[test]
    fn an_error_is_quoted_with_what_it_leaves_to_the_next_lines() {
        for (text, line, expected) in [
            (
                "a.ValidationError: 1 validation error for Settings\nurl\n  Field required [type=missing]\n",
                "a.ValidationError: 1 validation error for Settings",
                vec!["url", "  Field required [type=missing]"],
            ),
            (
                "terminate called after throwing an instance of 'X'\n  what():  no port\n",
                "terminate called after throwing an instance of 'X'",
                vec!["  what():  no port"],
            ),
            ("Error: no start\n\nCaused by:\n    no port\n", "Error: no start", vec!["    no port"]),
            ("Error: no start\n    at x (/a.js:1:1)\n", "Error: no start", vec![]),
            ("ERROR no start\nINFO bye\n", "ERROR no start", vec![]),
        ] {
            assert_eq!(continuation(text, line), expected);
        }
    }

    #[test]
    fn only_names_have_trouble_with_names() {
        let trouble = |line: &str| name_trouble(&deciding(line).unwrap());
        assert!(trouble("ERROR resolving dependencies of module a: timeout").is_none());
        assert!(trouble("dial tcp 10.0.0.4:5432: i/o timeout while resolving host").is_none());
        assert_eq!(trouble("ERROR resolving host db: timeout").map(|it| it.answered), Some(false));
        let upstream = trouble("nginx: [emerg] host not found in upstream \"api.shop.svc\" in /etc/nginx/nginx.conf:3").unwrap();
        assert_eq!(upstream.host.as_deref(), Some("api.shop.svc"));
    }
}
