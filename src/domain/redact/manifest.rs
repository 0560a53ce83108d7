//! Kubernetes Secrets within text: JSON at any depth of escapes, YAML, and the dumps of Go. Everything below `data` and
//! `stringData` is secret, whatever its key.

use std::ops::Range;

use super::scan::{Scan, is_blank, is_key, is_quote};

/// Hides the data of every Secret that the text holds.
pub(super) fn secrets(scan: &mut Scan<'_>) {
    for slashes in [0, 1, 3, 7] {
        let marker = format!("{}\"", "\\".repeat(slashes));
        if scan.text.contains(&marker) {
            json(scan, slashes);
        }
    }
    if scan.text.contains("kind: Secret") || scan.text.contains("kind: \"Secret") {
        let lines = Line::all(scan);
        yaml(scan, &lines);
    }
    if scan.text.contains("kind: ExternalSecret") {
        let lines = Line::all(scan);
        templates(scan, &lines);
    }
    if scan.text.contains("kind:Secret") || scan.text.contains("Secret{") {
        go(scan);
    }
}

/// An object of JSON that is not closed yet.
#[derive(Default)]
struct Frame {
    key: Option<String>,
    /// The key of the object that this one stands under.
    under: Option<String>,
    kind: Option<String>,
    typed: bool,
    data: Vec<Range<usize>>,
    /// Data of objects within that do not say what they are.
    unsaid: Vec<Range<usize>>,
}

impl Frame {
    fn is_secret(&self) -> bool {
        self.kind.as_deref() == Some("Secret") || self.kind.is_none() && self.typed
    }
}

/// Reads the JSON whose quotes are escaped this often.
fn json(scan: &mut Scan<'_>, slashes: usize) {
    let mut frames: Vec<Frame> = vec![Frame::default()];
    let mut place = 0;
    while place < scan.len() {
        match scan.at(place) {
            b'{' => {
                let under = frames.last_mut().and_then(|it| it.key.take());
                frames.push(Frame { under, ..Frame::default() });
                place += 1;
            }
            b'}' => {
                if frames.len() > 1
                    && let Some(frame) = frames.pop()
                {
                    close(scan, frame, frames.last_mut());
                }
                place += 1;
            }
            b'"' | b'\\' => place = string(scan, place, slashes, &mut frames),
            _ => place += 1,
        }
    }
    // What is cut off may have lost the kind that would come after the data.
    while let Some(mut frame) = frames.pop() {
        let cut = frame.kind.is_none() && !frames.is_empty();
        if cut && !frame.data.is_empty() {
            frame.typed = true;
        }
        close(scan, frame, frames.last_mut());
    }
}

fn close(scan: &mut Scan<'_>, frame: Frame, outer: Option<&mut Frame>) {
    let is_map = matches!(frame.under.as_deref(), Some("data" | "stringData"));
    if frame.is_secret() {
        for span in frame.data.into_iter().chain(frame.unsaid) {
            scan.hide(span);
        }
        return;
    }
    if frame.kind.as_deref() == Some("SecretList") {
        for span in frame.unsaid {
            scan.hide(span);
        }
        return;
    }
    let Some(outer) = outer else { return };
    if is_map {
        outer.data.extend(frame.data);
    } else if frame.kind.is_none() {
        outer.unsaid.extend(frame.data);
    }
    outer.unsaid.extend(frame.unsaid);
}

/// Reads a string, as a key or as a value, and returns where it ends.
fn string(scan: &Scan<'_>, place: usize, slashes: usize, frames: &mut [Frame]) -> usize {
    let quote = scan.skip(place, scan.len(), |it| it == b'\\');
    if scan.at(quote) != b'"' || quote - place != slashes {
        return quote.max(place) + 1;
    }
    let start = quote + 1;
    let mut end = start;
    loop {
        let run = scan.skip(end, scan.len(), |it| it != b'\\' && it != b'"');
        let close = scan.skip(run, scan.len(), |it| it == b'\\');
        if close >= scan.len() || scan.at(close) == b'"' && close - run <= slashes {
            end = run;
            place_value(scan, start..end, close + 1, frames);
            return close + 1;
        }
        end = close + 1;
    }
}

fn place_value(scan: &Scan<'_>, content: Range<usize>, after: usize, frames: &mut [Frame]) {
    let Some(frame) = frames.last_mut() else { return };
    let separator = scan.skip(after, after + 8, |it| it.is_ascii_whitespace());
    if scan.at(separator) == b':' {
        frame.key = (content.len() <= 253).then(|| scan.slice(content.start, content.end).to_owned());
        return;
    }
    let key = frame.key.take();
    let is_map = matches!(frame.under.as_deref(), Some("data" | "stringData"));
    if is_map && key.is_some() {
        if !scan.has(content.start, "[redacted]") {
            frame.data.push(content);
        }
        return;
    }
    let text = scan.slice(content.start, content.end.min(content.start + 64));
    match key.as_deref() {
        Some("kind") => frame.kind = Some(text.to_owned()),
        Some("type") if is_type(text) => frame.typed = true,
        _ => {}
    }
}

/// Whether a type is one of Secrets.
pub(super) fn is_type(text: &str) -> bool {
    text == "Opaque" || ["kubernetes.io/", "helm.sh/release", "bootstrap.kubernetes.io/"].iter().any(|it| text.starts_with(it))
}

/// Reads YAML line by line: the values of `data` in the same mapping as `kind: Secret`.
fn yaml(scan: &mut Scan<'_>, lines: &[Line]) {
    let mut done = 0;
    for index in 0..lines.len() {
        let Some(line) = lines.get(index) else { continue };
        if index < done || !line.says(scan, "kind: Secret") && !line.says(scan, "kind: \"Secret") {
            continue;
        }
        let own = line.indent;
        let belongs = |it: &Line| it.blank || it.indent >= own && !(it.item && it.indent == own) && !it.divides;
        let first = if line.item {
            index
        } else {
            let before = lines.get(..index).unwrap_or_default().iter().rposition(|it| !belongs(it));
            // The first line of an item of a list begins its mapping.
            before.map_or(0, |it| if lines.get(it).is_some_and(|it| it.item && it.indent == own) { it } else { it + 1 })
        };
        let last = lines
            .get(index + 1..)
            .unwrap_or_default()
            .iter()
            .position(|it| !belongs(it))
            .map_or(lines.len(), |it| index + 1 + it);
        done = last;
        hide_data(scan, lines.get(first..last).unwrap_or_default(), own);
    }
}

/// Hides what an `ExternalSecret` writes into its Secret itself: the values of `template` and `data` that are no templates.
fn templates(scan: &mut Scan<'_>, lines: &[Line]) {
    let mut template: Option<usize> = None;
    let mut data: Option<Vec<Line>> = None;
    let mut own = 0;
    for line in lines.iter().filter(|it| !it.blank) {
        if let Some(entries) = &mut data {
            if line.indent > own {
                if scan.text.get(line.text..line.end).is_some_and(|it| !it.contains("{{")) {
                    entries.push(*line);
                }
                continue;
            }
            hide_data(scan, entries, own);
            data = None;
        }
        if template.is_some_and(|it| line.indent <= it) {
            template = None;
        }
        if line.says(scan, "template:") {
            template = Some(line.indent);
        } else if template.is_some() && line.says(scan, "data:") {
            own = line.indent;
            data = Some(vec![*line]);
        }
    }
    if let Some(entries) = data {
        hide_data(scan, &entries, own);
    }
}

fn hide_data(scan: &mut Scan<'_>, lines: &[Line], own: usize) {
    let mut inside = false;
    let mut deeper = None;
    for line in lines.iter().filter(|it| !it.blank) {
        if line.indent == own {
            inside = line.says(scan, "data:") || line.says(scan, "stringData:");
            deeper = None;
            continue;
        }
        if !inside || line.indent < own {
            continue;
        }
        let level = *deeper.get_or_insert(line.indent);
        let from = if line.indent == level {
            let key = scan.skip(line.text, line.end, |it| is_key(it) || is_quote(it));
            if scan.at(key) != b':' {
                continue;
            }
            scan.skip(key + 1, line.end, is_blank)
        } else {
            line.text
        };
        let value = scan.slice(from, line.end);
        let head = value.trim();
        if !head.is_empty()
            && !head.starts_with("[redacted]")
            && !matches!(head, "|" | "|-" | ">" | ">-" | "|+" | ">+" | "\"\"" | "''")
        {
            scan.hide(from..from + value.trim_end().len());
        }
    }
}

/// A line of YAML.
#[derive(Clone, Copy)]
struct Line {
    /// Where its key starts, in columns; behind the dash of an item.
    indent: usize,
    text: usize,
    end: usize,
    item: bool,
    blank: bool,
    divides: bool,
}

impl Line {
    fn all(scan: &Scan<'_>) -> Vec<Self> {
        let mut lines = Vec::new();
        let mut start = 0;
        while start < scan.len() {
            let end = scan.skip(start, scan.len(), |it| it != b'\n');
            lines.push(Self::read(scan, start, end));
            start = end + 1;
        }
        lines
    }

    fn read(scan: &Scan<'_>, start: usize, end: usize) -> Self {
        let first = scan.skip(start, end, is_blank);
        let divides = scan.has(start, "---");
        let mut text = first;
        let mut item = false;
        while scan.at(text) == b'-' && is_blank(scan.at(text + 1)) && text < end {
            item = true;
            text = scan.skip(text + 1, end, is_blank);
        }
        let end = if end > start && scan.before(end) == b'\r' { end - 1 } else { end };
        Self { indent: text - start, text, end, item, blank: text >= end || scan.at(text) == b'#', divides }
    }

    fn says(&self, scan: &Scan<'_>, word: &str) -> bool {
        scan.text.get(self.text..self.end).is_some_and(|it| {
            it.starts_with(word)
                && (word.ends_with("List") || !it.starts_with("kind: SecretStore") && !it.starts_with("kind: SecretProvider"))
        })
    }
}

/// Reads the maps that Go prints: `data:map[key:value …]` and `Data:map[string][]byte{key:[1 2 3],}`.
fn go(scan: &mut Scan<'_>) {
    for marker in
        ["data:map[", "stringData:map[", "Data:map[string][]uint8{", "Data:map[string][]byte{", "Data:map[string]string{"]
    {
        let mut from = 0;
        while let Some(found) = scan.text.get(from..).and_then(|it| it.find(marker)) {
            let start = from + found + marker.len();
            if marker.starts_with('d') && scan.before(from + found).is_ascii_alphabetic() {
                from = start;
                continue;
            }
            let (open, close) = if marker.ends_with('{') { (b'{', b'}') } else { (b'[', b']') };
            let end = closing(scan, start, open, close);
            entries(scan, start, end);
            from = end.max(start);
        }
    }
}

fn closing(scan: &Scan<'_>, start: usize, open: u8, close: u8) -> usize {
    let mut depth = 1_usize;
    let mut place = start;
    let last = scan.len().min(start + 65_536);
    while place < last {
        let byte = scan.at(place);
        if byte == open {
            depth += 1;
        } else if byte == close {
            depth -= 1;
            if depth == 0 {
                return place;
            }
        }
        place += 1;
    }
    last
}

fn entries(scan: &mut Scan<'_>, start: usize, end: usize) {
    let mut place = start;
    while place < end {
        let key = scan.skip(place, end, |it| it.is_ascii_whitespace() || it == b',');
        let colon = scan.skip(key, end, is_key);
        if scan.at(colon) != b':' || colon >= end {
            place = scan.skip(colon, end, |it| it != b' ').max(key + 1);
            continue;
        }
        let from = scan.skip(colon + 1, end, is_blank);
        if scan.has(from, "[redacted]") {
            place = from + 10;
            continue;
        }
        let stop = if scan.at(from) == b'[' {
            closing(scan, from + 1, b'[', b']')
        } else {
            scan.skip(from, end, |it| !matches!(it, b' ' | b','))
        };
        let from = if scan.at(from) == b'[' { from + 1 } else { from };
        if !scan.has(from, "[redacted]") {
            scan.hide(from..stop.min(end));
        }
        place = stop.max(key) + 1;
    }
}
