//! Tests of the whole miner.

use super::*;

fn mined(log: &str) -> Mined {
    mine(log.lines().map(|it| (None, it)))
}

/// `level count pattern` of each template.
fn rows(log: &str) -> Vec<String> {
    mined(log).templates.iter().map(|it| format!("{} {} {}", it.level.name(), it.count, it.pattern)).collect()
}

#[test]
fn lines_that_are_alike_are_one_template_and_errors_come_first() {
    let mut log = String::new();
    for index in 0..50 {
        log.push_str(&format!("2026-11-23T09:00:{:02}Z INFO GET /orders/{} 200 in {}ms\n", index % 60, 1000 + index, index * 3));
    }
    log.push_str("2026-11-23T09:01:00Z ERROR cannot charge order 4711: card declined\n");
    log.push_str("2026-11-23T09:01:01Z WARN queue is slow (87%)\n");
    let mined = mined(&log);
    let shown: Vec<_> = mined.templates.iter().map(|it| (it.level, it.count, it.pattern.as_str())).collect();
    assert_eq!(
        shown,
        [
            (Level::Error, 1, "cannot charge order <n>: card declined"),
            (Level::Warning, 1, "queue is slow (<n>%)"),
            (Level::Info, 50, "GET /orders/<n> 200 in <dur>"),
        ]
    );
    let requests = &mined.templates[2];
    assert_eq!(requests.first.unwrap().to_string(), "2026-11-23T09:00:00Z");
    assert_eq!(requests.last.unwrap().to_string(), "2026-11-23T09:00:49Z");
    assert_eq!(requests.first_example, "2026-11-23T09:00:00Z INFO GET /orders/1000 200 in 0ms");
    assert_eq!(requests.last_example, "2026-11-23T09:00:49Z INFO GET /orders/1049 200 in 147ms");
    assert_eq!((mined.lines, mined.other, requests.from_end), (52, Other::default(), 3));
    assert_eq!(mined.templates[0].last_said, "cannot charge order 4711: card declined");
}

#[test]
fn what_is_rare_and_near_the_end_comes_first_within_a_level() {
    let mut log = "ERROR early and often\n".repeat(40);
    log.push_str("ERROR only once early\n");
    log.push_str(&"INFO x\n".repeat(100));
    log.push_str("ERROR only once at the end\n");
    assert_eq!(rows(&log), ["error 1 only once at the end", "error 1 only once early", "error 40 early and often", "info 100 x"]);
}

#[test]
fn statuses_methods_paths_and_hosts_tell_templates_apart() {
    let log = r#"
{"level":"info","msg":"request","method":"GET","path":"/orders/1","status":200,"ms":3}
{"level":"info","msg":"request","method":"GET","path":"/orders/2","status":200,"ms":4}
{"level":"info","msg":"request","method":"GET","path":"/orders/2","status":503,"ms":4}
{"level":"info","msg":"request","method":"POST","path":"/orders","status":200,"ms":4}
level=error msg="cannot connect" error="dial tcp: lookup db.shop.svc on 10.0.0.10:53: no such host"
level=error msg="cannot connect" error="dial tcp: lookup cache.shop.svc on 10.0.0.10:53: no such host"
"#;
    assert_eq!(
        rows(log),
        [
            "error 1 cannot connect: dial tcp: lookup cache.shop.svc on <ip>: no such host",
            "error 1 cannot connect: dial tcp: lookup db.shop.svc on <ip>: no such host",
            "warning 1 request method=GET path=/orders/<n> status=503",
            "info 1 request method=POST path=/orders status=200",
            "info 2 request method=GET path=/orders/<n> status=200",
        ]
    );
}

/// A stack trace of each language: its lines, what it says, and what its example holds.
const TRACES: &[(&str, &str, &str)] = &[
    (
        "2026-11-23 09:00:00.123 ERROR 1 --- [main] c.a.Shop : payment 17 failed\njava.lang.IllegalStateException: card 17 expired\n\tat com.acme.Shop.pay(Shop.java:41)\n\tat java.base/java.lang.Thread.run(Thread.java:1583)\nCaused by: java.io.IOException: closed\n\tat com.acme.Bank.call(Bank.java:9)\n\t... 12 more\n",
        "error 1 <n> --- [main] c.a.Shop : payment <n> failed | java.lang.IllegalStateException: card <n> expired | Caused by: java.io.IOException: closed",
        "at com.acme.Shop.pay(Shop.java:41)",
    ),
    (
        "Exception in thread \"main\" java.lang.NullPointerException: x\n\tat com.acme.Main.main(Main.java:3)\n",
        "fatal 1 Exception in thread \"main\" java.lang.NullPointerException: x",
        "at com.acme.Main.main(Main.java:3)",
    ),
    (
        "Traceback (most recent call last):\n  File \"/app/main.py\", line 3, in <module>\n    run()\nKeyError: 'a'\n\nDuring handling of the above exception, another exception occurred:\n\nTraceback (most recent call last):\n  File \"/app/shop.py\", line 9, in run\nValueError: no price for item 12\n",
        "error 1 KeyError: 'a' | ValueError: no price for item <n>",
        "File \"/app/shop.py\", line 9, in run",
    ),
    (
        "ERROR:root:cannot price\nTraceback (most recent call last):\n  File \"/app/main.py\", line 3, in <module>\nValueError: bad item\n",
        "error 1 ERROR:root:cannot price | ValueError: bad item",
        "File \"/app/main.py\", line 3, in <module>",
    ),
    (
        "panic: runtime error: index out of range [5] with length 3\n\ngoroutine 1 [running]:\nmain.total(...)\n\t/app/cart.go:22\nmain.main()\n\t/app/main.go:12 +0x1d\nexit status 2\n",
        "fatal 1 panic: runtime error: index out of range [<n>] with length <n>",
        "/app/cart.go:22",
    ),
    (
        "/app/index.js:10\n    throw new Error('x');\n    ^\n\nTypeError: Cannot read properties of undefined (reading 'id')\n    at pay (/app/pay.js:7:11)\n    at node:internal/main:1:1 {\n  code: 'X'\n}\n\nNode.js v22.1.0\n",
        "error 1 TypeError: Cannot read properties of undefined (reading 'id')",
        "at pay (/app/pay.js:7:11)",
    ),
    (
        "thread 'main' panicked at src/main.rs:4:10:\ncalled `Option::unwrap()` on a `None` value\nstack backtrace:\n   0: rust_begin_unwind\n             at /rustc/abc/library/std/src/panicking.rs:1:5\n   3: acme::pay\n             at ./src/main.rs:4:10\nnote: Some details are omitted\n",
        "fatal 1 thread 'main' panicked at src/main.rs:<n>:<n>: | called `Option::unwrap()` on a `None` value",
        "3: acme::pay",
    ),
    (
        "fail: Acme.Shop.Worker[0]\n      Payment 17 failed\n      System.InvalidOperationException: card expired\n         at Acme.Shop.Pay(Int32 id) in /src/Shop.cs:line 12\n         at System.Threading.Thread.Start()\n",
        "error 1 Acme.Shop.Worker[<n>] | Payment <n> failed | System.InvalidOperationException: card expired",
        "at Acme.Shop.Pay(Int32 id) in /src/Shop.cs:line 12",
    ),
    (
        "Unhandled exception. System.IO.FileNotFoundException: /etc/app.json\n   at Acme.Program.Main() in /src/Program.cs:line 5\n",
        "fatal 1 Unhandled exception. System.IO.FileNotFoundException: /etc/app.json",
        "at Acme.Program.Main() in /src/Program.cs:line 5",
    ),
    (
        "{\"level\":\"error\",\"msg\":\"cannot start\",\"stacktrace\":\"main.run\\n\\t/app/run.go:7\\nruntime.main\\n\\t/usr/local/go/src/runtime/proc.go:250\"}\n",
        "error 1 cannot start",
        "",
    ),
];

#[test]
fn a_stack_trace_is_one_entry_with_its_head_in_every_language() {
    for (trace, row, frame) in TRACES {
        let log = format!("INFO before\n{trace}INFO after\n");
        let mined = mined(&log);
        let shown: Vec<String> =
            mined.templates.iter().map(|it| format!("{} {} {}", it.level.name(), it.count, it.pattern)).collect();
        assert_eq!(shown, [*row, "info 1 after", "info 1 before"], "{trace}");
        let entry = &mined.templates[0];
        assert_eq!(entry.lines, trace.lines().count() as u64, "{trace}");
        assert!(entry.last_example.contains(frame), "{}", entry.last_example);
    }
}

#[test]
fn a_burst_of_errors_keeps_its_own_lines_apart() {
    let log = "ERROR a is broken\nERROR b is broken\nERROR at 10.0.0.1 c\nERROR at 10.0.0.2 c\n";
    assert_eq!(rows(log), ["error 2 at <ip> c", "error 1 b is broken", "error 1 a is broken"]);
}

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides as u64).unwrap()
    }
}

/// Pieces that lines are made of: those the parsers look for, cut and joined in any way.
const PIECES: &[&str] = &[
    "",
    " ",
    "\t",
    "    ",
    "ERROR",
    "[error]",
    "INFO",
    "panic: ",
    "Traceback (most recent call last):",
    "  File \"a.py\", line 1, in x",
    "goroutine 1 [running]:",
    "\tat a.B.c(D.java:1)",
    "Caused by: ",
    "ValueError: x",
    "java.lang.X: y",
    "/app/a.js:1",
    "thread 'a' panicked at b",
    "fail: X[0]",
    "{",
    "}",
    "{\"msg\":\"x\"}",
    "{\"level\":50,\"err\":{\"stack\":\"a\\n at b\"}}",
    "a=b",
    "msg=\"",
    "level=error msg=\"a b\"",
    "\"",
    "\\",
    "2026-11-23T09:00:00Z ",
    "[23/Nov/2026:09:00:00 +0000]",
    "E1123 09:00:00.1 1 a.go:1] ",
    "1795424401.5 ",
    "10.0.0.1:80",
    "[::1]:80",
    "GET",
    "/a/1/b?c=d",
    "HTTP/1.1",
    "503",
    "0xff",
    "deadbeef1",
    "3f2b8c1e-aaaa-4bbb-8ccc-1234567890ab",
    "12ms",
    "é",
    "日本",
    "\u{1b}[31m",
    "\u{0}",
    "\u{202e}",
    "<*>",
    "<n>",
    "%",
    ":",
    "...",
    "=",
    "://",
    "a.b.c:1",
    "v1.2.3",
    "\u{fffd}",
    "-",
    "'",
    "999999999999999999999",
];

fn noise(dice: &mut Dice) -> String {
    (0..dice.roll(9))
        .map(|_| if dice.roll(9) == 0 { "x".repeat(dice.roll(3_000)) } else { PIECES[dice.roll(PIECES.len())].to_owned() })
        .collect()
}

#[test]
fn any_log_is_counted_to_the_line_in_bounded_memory_and_always_alike() {
    for seed in 1..20 {
        let mut dice = Dice(seed * 7919);
        let lines: Vec<String> = (0..400).map(|_| noise(&mut dice)).collect();
        let run = || {
            let mut miner = Miner::with_capacity(1 + usize::try_from(seed).unwrap());
            for line in &lines {
                miner.push(None, line);
            }
            miner.finish()
        };
        let mined = run();
        let told: u64 = mined.templates.iter().map(|it| it.lines).sum();
        assert_eq!(told + mined.other.lines + mined.blank, 400, "seed {seed}");
        assert!(mined.templates.len() <= 1 + usize::try_from(seed).unwrap());
        for template in &mined.templates {
            assert!(template.count >= 1 && template.count <= template.lines && template.first <= template.last);
            assert!(
                template.pattern.len() <= 4_000 && template.first_example.len() <= 2_500 && template.last_example.len() <= 2_500
            );
        }
        assert!(mined.templates.is_sorted_by(|a, b| a.level >= b.level));
        assert_eq!(mined, run(), "seed {seed}");
    }
}

#[test]
fn errors_survive_a_flood_of_lines_that_are_all_different() {
    let mut dice = Dice(42);
    let mut miner = Miner::new();
    let word = |dice: &mut Dice| (0..8).map(|_| char::from(b'a' + u8::try_from(dice.roll(26)).unwrap())).collect::<String>();
    for index in 0..5_000 {
        let line = format!("INFO {} {} {}", word(&mut dice), word(&mut dice), word(&mut dice));
        miner.push(None, &line);
        if index == 100 {
            miner.push(None, "ERROR the disk is full");
        }
    }
    let mined = miner.finish();
    assert_eq!(mined.templates[0].pattern, "the disk is full");
    assert_eq!(mined.templates.len(), 256);
    assert_eq!((mined.other.count, mined.other.worst), (5_001 - 256, Some(Level::Info)));
}

#[test]
fn logs_of_replicas_are_joined_by_template() {
    let mut first = mined("2026-11-23T09:00:00Z ERROR boom 1\n2026-11-23T09:00:01Z INFO a\n");
    first.join(mined("2026-11-23T09:00:02Z ERROR boom 2\n2026-11-23T09:00:03Z INFO b\n\n"));
    let shown: Vec<_> = first.templates.iter().map(|it| (it.pattern.as_str(), it.count, it.last_said.as_str())).collect();
    assert_eq!(shown[0], ("boom <n>", 2, "boom 2"));
    assert_eq!((shown.len(), first.lines), (3, 5));
    assert_eq!(first.templates[0].last.unwrap().to_string(), "2026-11-23T09:00:02Z");
}
