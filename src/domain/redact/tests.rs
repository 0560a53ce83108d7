//! The corpus, idempotence, and the work on hostile text.

use serde_json::Value as Json;

use super::*;

/// Lines of a corpus file. Vendors' prefixes are broken by `¦` there, so that scanners of forges leave the files alone.
fn corpus(file: &str) -> Vec<Json> {
    let path = format!("{}/tests/corpus/redaction/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap().replace('¦', "");
    text.lines().map(|it| serde_json::from_str(it).unwrap()).collect()
}

/// Runs a sample as it would leave: as text, or as structured content.
fn run(sample: &Json) -> (String, usize, String) {
    if let Some(input) = sample["text"].as_str() {
        let (output, hidden) = text(input);
        return (output.into_owned(), hidden, input.to_owned());
    }
    let mut json = sample["json"].clone();
    let before = json.to_string();
    let hidden = value(&mut json);
    (json.to_string(), hidden, before)
}

fn secrets(file: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for sample in corpus(file) {
        let (output, hidden, _) = run(&sample);
        let secret = sample["secret"].as_str().unwrap();
        if hidden == 0 || output.contains(secret) {
            faults.push(format!("missed {secret}: {output}"));
        }
        for keep in sample["keep"].as_array().unwrap() {
            if !output.replace("\\\"", "\"").contains(&keep.as_str().unwrap().replace("\\\"", "\"")) {
                faults.push(format!("lost {keep}: {output}"));
            }
        }
    }
    faults
}

fn look_alikes(file: &str) -> Vec<String> {
    let samples = corpus(file);
    let changed = samples.iter().map(run).filter(|(output, hidden, input)| output != input || *hidden > 0);
    changed.map(|(output, _, input)| format!("masked {input}: {output}")).collect()
}

#[test]
fn the_path_of_a_url_that_failed_is_no_key() {
    for kept in [
        "failed to fetch token: Post \"https://a.example/api/v1/serviceaccounts/default/token\": net/http: TLS handshake timeout",
        "err=\"Get \\\"https://a.example/v1/token\\\": net/http: TLS handshake timeout\"",
    ] {
        assert_eq!(text(kept).0, kept);
    }
    for hidden in
        ["\"https://a.example/token\": hvs4kT9xQ2mP7wZ1", "{\"a\": 1, \"https://a.example/token\": \"hvs4kT9xQ2mP7wZ1\"}"]
    {
        assert!(!text(hidden).0.contains("hvs4kT9xQ2mP7wZ1"), "{hidden}");
    }
}

#[test]
fn every_secret_of_the_corpus_is_hidden_and_its_context_stays() {
    let samples = corpus("secrets.jsonl");
    assert!(samples.len() >= 200, "{}", samples.len());
    let faults = secrets("secrets.jsonl");
    assert!(faults.is_empty(), "{} of {}:\n{}", faults.len(), samples.len(), faults.join("\n"));
}

#[test]
fn every_look_alike_of_the_corpus_stays_as_it_is() {
    let samples = corpus("look_alikes.jsonl");
    assert!(samples.len() >= 200, "{}", samples.len());
    let faults = look_alikes("look_alikes.jsonl");
    assert!(faults.is_empty(), "{} of {}:\n{}", faults.len(), samples.len(), faults.join("\n"));
}

#[test]
fn redacting_twice_is_redacting_once() {
    for sample in corpus("secrets.jsonl") {
        let (once, _, _) = run(&sample);
        if sample.get("text").is_some() {
            assert_eq!(text(&once), (Cow::Borrowed(once.as_str()), 0), "{sample}");
        } else {
            let mut json: Json = serde_json::from_str(&once).unwrap();
            assert_eq!((value(&mut json), json.to_string()), (0, once.clone()), "{sample}");
        }
    }
}

#[test]
fn samples_written_after_the_rules_were_frozen_hold_too() {
    let faults = [
        secrets("held_out_secrets.jsonl"),
        look_alikes("held_out_look_alikes.jsonl"),
        secrets("held_out2_secrets.jsonl"),
        look_alikes("held_out2_look_alikes.jsonl"),
    ]
    .concat();
    assert!(faults.is_empty(), "{}:\n{}", faults.len(), faults.join("\n"));
}

/// Bytes looked at for a text.
fn steps(text: &str) -> usize {
    let mut scan = Scan::new(text);
    read(&mut scan);
    scan.steps.get()
}

#[test]
fn the_work_grows_with_the_text_and_not_with_its_square() {
    // Each of these is made to be read again and again by a scanner that looks ahead or back without a bound.
    let hostile = [
        "password",
        "password=",
        "password: ",
        "password=\"",
        "password='",
        "password=\\\"",
        "\"password\":\"",
        "token=${",
        "token=<",
        "key=[",
        "keys: [[redacted] ",
        "secret:\n- ",
        "password: |\n ",
        "name: DB_PASSWORD\n",
        "{\"name\":\"password\",",
        "--password ",
        "--password\n- ",
        "a",
        "A1b2",
        "a_",
        "_",
        "-",
        "\\",
        "\\\\\"",
        "\"",
        "{",
        "}",
        "{\"data\":{",
        "{\"kind\":\"Secret\",\"data\":{\"a\":\"b\"",
        "kind: Secret\n",
        "kind: Secret\ndata:\n",
        "- kind: Secret\n  data:\n",
        "data:map[",
        "kind:Secret data:map[a:",
        "Data:map[string][]byte{",
        "eyJ",
        "eyJaaaaaaaaaaaa.",
        "AKIAAAAAAAAAAAAAAAAA",
        "AKIAAAAAAAAAAAAAAAAA ",
        "-----BEGIN RSA PRIVATE KEY-----",
        "-----BEGIN RSA PRIVATE KEY-----\n",
        "PRIVATE KEY",
        "LS0tLS1CRUdJTi",
        "://",
        "a://b:",
        "a://b:c@",
        "@",
        "a:b@c:1",
        ":5432:",
        "x-amz-signature=",
        "sig=",
        "?sig=",
        "authorization: ",
        "authorization:[",
        "cookie: a=",
        "cookie: a=b;",
        "set-cookie: a",
        "bearer ",
        "basic ",
        "$2a$",
        "$6$",
        "mysql ",
        "mysql -p",
        "curl -u ",
        " login -p",
        "--from-literal=",
        "<password>",
        "password for ",
        "creds ",
        "ghp_",
        "sk-",
        "xox",
        "-us1",
        "12345678:AA",
        "password is ",
        "following password a:\n",
        "arn:aws:secret:",
        "next token ",
        "%26token%3D",
        "\\u0026token=",
        "\\npassword: |\\n ",
        "map[",
        " ",
        "\n",
        "é",
        "[redacted]",
        "password=[redacted] ",
        "kind: ExternalSecret\n  template:\n   data:\n",
        "AUTH ",
        "redis> AUTH a ",
        "\"AUTH\" \"",
        "\u{1b}[36mtoken",
        "token\u{1b}[36m=\u{1b}[0m",
        "\\u001b[0m",
        "password=\\u001b[31m",
        "password：",
        "：password＝",
        "Some(",
        "password: Some(Secret(",
        "password -> ",
        "\"X-Api-Key\":[]string{\"",
        "authorization: digest a=\"",
        "authorization: digest a=b, ",
        "MNEMONIC=",
        "SEED=word ",
        "token: words \"",
        "webhook=https://a/",
        "password is generated ",
        "following password:",
        "api_key x",
        "PIN",
        "a:b@/c",
        "password for ",
        "password for a b c d e f ",
        "api key is ",
        "changed password of a to ",
        "passphrase is word ",
        "LoginModule",
        "LoginModule required user_a=\"b\" ",
        "login(",
        "login(\"a\",",
        "login(\"a\", \"b",
        "rabbitmqctl ",
        "rabbitmqctl add_user ",
        "htpasswd -b ",
        "mc alias set ",
        "openssl enc -k ",
        "auth plain AAAA",
        "identified with a by ",
        ".atlasv1.a",
        "MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ.",
        "secret ID = ",
    ];
    let mut slow = Vec::new();
    for unit in hostile {
        for (head, tail) in
            [("", ""), ("{\"data\":{\"x\":\"kind: Secret kind:Secret stringData ", ""), ("password=\"", "\""), ("token: ", "\n")]
        {
            let make = |bytes: usize| format!("{head}{}{tail}", unit.repeat(bytes / unit.len()));
            let (one, two) = (steps(&make(4_000)), steps(&make(8_000)));
            if two > one * 5 / 2 + 10_000 || two > 8_000 * 1_000 {
                slow.push(format!("{unit:?} after {head:?}: {one} then {two}"));
            }
        }
    }
    assert!(slow.is_empty(), "{}", slow.join("\n"));
}

#[test]
fn an_ordinary_line_is_read_little_more_than_once() {
    let line = "2026-03-01T10:00:00Z INFO http: served GET /v1/orders/42 in 12ms status=200 bytes=512 peer=10.0.3.17:41822\n";
    let text = line.repeat(200);
    assert!(steps(&text) <= text.len() * 6, "{} steps for {} bytes", steps(&text), text.len());
}

/// Numbers that look random and are the same in each run.
struct Draw(u64);

impl Draw {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }

    fn of<'a>(&mut self, items: &[&'a str]) -> &'a str {
        items[self.below(items.len())]
    }

    fn word(&mut self, alphabet: &str, length: usize) -> String {
        let letters: Vec<char> = alphabet.chars().collect();
        (0..length).map(|_| letters[self.below(letters.len())]).collect()
    }
}

#[test]
fn a_secret_of_each_class_never_survives_whatever_stands_around_it() {
    const LETTERS: &str = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    let around = [
        "",
        " ",
        "\n",
        "level=info ",
        "{\"a\":1,",
        "time=\"x\" ",
        "é ",
        "error: ",
        "\t",
        "=",
        "(",
        "[1] ",
        "user=app, ",
        "- ",
        "# ",
        "pod/x ",
        "\"",
        "key ",
        "token ",
        "secret ",
        ": ",
    ];
    let mut draw = Draw(7);
    for round in 0..2_000 {
        let random = format!("{}7a{}", draw.word(LETTERS, 20), draw.word(LETTERS, 18));
        let (text_of, secret) = match draw.below(9) {
            0 => (format!("gh\u{70}_{random}"), random.clone()),
            1 => (format!("postgres://app:{random}@db:5432/x"), random.clone()),
            2 => (
                format!(
                    "{}={random}",
                    draw.of(&["password", "DB_PASSWORD", "api_key", "clientSecret", "x.access-token", "aws_secret_access_key"])
                ),
                random.clone(),
            ),
            3 => (
                format!("{}: \"{random}\"", draw.of(&["password", "\"accessToken\"", "'apiKey'", "privateKey", "SMTP_PASS"])),
                random.clone(),
            ),
            4 => (format!("Authorization: Bearer {random}"), random.clone()),
            5 => (format!("-----BEGIN PRIVATE KEY-----\n{random}\n-----END PRIVATE KEY-----"), random.clone()),
            6 => (format!("{{\"name\":\"DB_PASSWORD\",\"value\":\"{random}\"}}"), random.clone()),
            7 => (format!("--token {random}"), random.clone()),
            _ => (format!("eyJ{}.eyJ{random}.{}", draw.word(LETTERS, 12), draw.word(LETTERS, 20)), random.clone()),
        };
        let (before, after) = (draw.of(&around), draw.of(&["", " ", "\n", "\n next", " level=info", "\"", ", b=2", "}", " )"]));
        // A word that runs into the beginning of a token makes it another word.
        let input = format!("{before}{text_of}{after}");
        let (output, hidden) = text(&input);
        assert!(hidden > 0 && !output.contains(&secret), "round {round}: {input:?} became {output:?}");
        assert_eq!(text(&output).1, 0, "round {round}: {output:?} is masked again");
    }
}

#[test]
fn no_text_whatever_panics_or_is_masked_twice() {
    let parts = [
        "password",
        "token",
        "key",
        "secret",
        "=",
        ":",
        ": ",
        "\"",
        "'",
        "\\",
        "\\\"",
        "\\n",
        "\n",
        " ",
        "{",
        "}",
        "[",
        "]",
        "|",
        ">",
        "-",
        "--",
        "@",
        "://",
        "/",
        "?",
        "&",
        "%",
        "$",
        "<",
        "é",
        "\u{1f511}",
        "eyJ",
        ".",
        "AKIA",
        "name",
        "value",
        "data",
        "kind",
        "Secret",
        "map[",
        "stringData",
        "PRIVATE KEY",
        "BEGIN ",
        "END ",
        "-----",
        "Bearer ",
        "Cookie",
        "Authorization",
        "mysql -p",
        "a1B2c3D4e5F6",
        "hunter2",
        "[redacted]",
        ",",
        ";",
        "sig",
        "(",
        ")",
        "is ",
        "for ",
        "x",
        "0",
        "\\u001b[31m",
        "\u{1b}[0m",
        "：",
        "，",
        "Some(",
        " -> ",
        "[]string{",
        "AUTH ",
        "following ",
        "digest a=",
        "PIN",
        "MNEMONIC",
        "webhook",
        "https://a/",
        "set to ",
        "changed to ",
        "api key ",
        "passphrase ",
        "LoginModule required ",
        "user_a=",
        "login(",
        "htpasswd -b a ",
        "rabbitmqctl add_user ",
        "openssl enc -k ",
        "identified by ",
        "word word word word",
    ];
    let mut draw = Draw(11);
    for _ in 0..6_000 {
        let input: String = (0..draw.below(24)).map(|_| draw.of(&parts)).collect();
        let (once, _) = text(&input);
        assert_eq!(text(&once).1, 0, "{input:?} became {once:?}");
        let mut json = serde_json::json!({"lines": [input, "x"], "name": "DB_PASSWORD", "password": input});
        value(&mut json);
        assert_eq!(value(&mut json), 0, "{input:?} became {json}");
    }
}
