//! Label selectors, read by the grammar of a real server and refused in its words, with the place where they are wrong.

use std::collections::BTreeSet;

use super::names;
use super::object::Object;

/// A label selector; without requirements it selects everything.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct LabelSelector(Vec<Requirement>);

/// Why a text is no selector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// In the words of a real server.
    pub message: String,
    /// The character, from 1, with which what is wrong begins; one more than there are when something is missing at the end.
    pub at: usize,
}

/// Characters before the place that are shown.
const SHOWN: usize = 40;

#[derive(Debug, PartialEq, Eq)]
struct Requirement {
    key: String,
    operator: Operator,
    values: BTreeSet<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    In,
    NotIn,
    Exists,
    Missing,
    Greater,
    Less,
}

impl LabelSelector {
    /// Parses a selector.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn parse(text: &str) -> Result<Self, Wrong> {
        let mut parser = Parser { tokens: tokens(text), position: 0, wrong: 0 };
        parser.selector().map(Self).map_err(|message| {
            // Offsets of tokens are between characters.
            let before = parser.tokens.get(parser.wrong).map_or(text, |it| text.get(..it.start).unwrap_or(text));
            Wrong { message, at: before.chars().count() + 1 }
        })
    }

    /// Whether an object is selected.
    pub fn selects(&self, object: &Object) -> bool {
        self.0.iter().all(|it| it.holds(object.label(&it.key)))
    }
}

impl Wrong {
    /// What is wrong and where, for the one who wrote `text`.
    pub fn told(&self, text: &str) -> String {
        let before: Vec<char> = text.chars().take(self.at.saturating_sub(1)).collect();
        let shown: String = before.iter().skip(before.len().saturating_sub(SHOWN)).collect();
        match text.chars().nth(before.len()) {
            _ if before.is_empty() => format!("{}, at character 1", self.message),
            Some(_) => format!("{}, at character {} behind `{shown}`", self.message, self.at),
            None => format!("{}, at the end behind `{shown}`", self.message),
        }
    }
}

impl Requirement {
    fn new(key: String, operator: Operator, values: BTreeSet<String>) -> Result<Self, String> {
        if values.is_empty() && matches!(operator, Operator::In | Operator::NotIn) {
            return Err("values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty".to_owned());
        }
        for (index, value) in values.iter().enumerate() {
            if matches!(operator, Operator::Greater | Operator::Less) && value.parse::<i64>().is_err() {
                return Err(format!(
                    "values[{index}]: Invalid value: {value:?}: for 'Gt', 'Lt' operators, the value must be an integer"
                ));
            }
            check_value(value).map_err(|why| format!("values[{index}][{key}]: Invalid value: {value:?}: {why}"))?;
        }
        Ok(Self { key, operator, values })
    }

    fn holds(&self, label: Option<&str>) -> bool {
        let compares = |holds: fn(&i64, &i64) -> bool| {
            let limit = self.values.first().and_then(|it| it.parse().ok());
            label.and_then(|it| it.parse().ok()).zip(limit).is_some_and(|(label, limit)| holds(&label, &limit))
        };
        match self.operator {
            Operator::In => label.is_some_and(|it| self.values.contains(it)),
            Operator::NotIn => label.is_none_or(|it| !self.values.contains(it)),
            Operator::Exists => label.is_some(),
            Operator::Missing => label.is_none(),
            Operator::Greater => compares(i64::gt),
            Operator::Less => compares(i64::lt),
        }
    }
}

/// A token, as it stands in the text.
#[derive(Clone, Debug)]
struct Part {
    token: Token,
    literal: String,
    /// Offset in bytes.
    start: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    End,
    Comma,
    Open,
    Close,
    Not,
    Equals,
    NotEquals,
    Greater,
    Less,
    In,
    NotIn,
    Word,
    Error,
}

fn symbol(text: &str) -> Option<Token> {
    Some(match text {
        "," => Token::Comma,
        "(" => Token::Open,
        ")" => Token::Close,
        "!" => Token::Not,
        "=" | "==" => Token::Equals,
        "!=" => Token::NotEquals,
        ">" => Token::Greater,
        "<" => Token::Less,
        _ => return None,
    })
}

/// Splits a selector; symbols are as long as they can be.
fn tokens(text: &str) -> Vec<Part> {
    let mut tokens = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([' ', '\t', '\r', '\n']);
        if rest.is_empty() {
            return tokens;
        }
        let is_symbol = |it: char| "=!(),><".contains(it);
        let (token, length) = if rest.starts_with(is_symbol) {
            let longest = [2, 1].into_iter().find_map(|length| Some((symbol(rest.get(..length)?)?, length)));
            longest.unwrap_or((Token::Error, 1))
        } else {
            let length = rest.find(|it: char| is_symbol(it) || " \t\r\n".contains(it)).unwrap_or(rest.len());
            let word = match rest.get(..length) {
                Some("in") => Token::In,
                Some("notin") => Token::NotIn,
                _ => Token::Word,
            };
            (word, length)
        };
        let (literal, tail) = rest.split_at(length);
        tokens.push(Part { token, literal: literal.to_owned(), start: text.len() - rest.len() });
        rest = tail;
    }
}

struct Parser {
    tokens: Vec<Part>,
    position: usize,
    /// The token that was taken or looked at last, which is the one that an error is about.
    wrong: usize,
}

impl Parser {
    /// The next token; `in` and `notin` are words where no operator is looked for.
    fn look(&mut self) -> (Token, String) {
        self.wrong = self.position;
        match self.tokens.get(self.position) {
            Some(Part { token: Token::In | Token::NotIn, literal, .. }) => (Token::Word, literal.clone()),
            Some(Part { token, literal, .. }) => (*token, literal.clone()),
            None => (Token::End, String::new()),
        }
    }

    fn take(&mut self) -> (Token, String) {
        let taken = self.look();
        self.position += 1;
        taken
    }

    /// The next token, where an operator is looked for.
    fn take_operator(&mut self) -> (Token, String) {
        let token = self.tokens.get(self.position).map(|it| it.token);
        let (_, literal) = self.take();
        (token.unwrap_or(Token::End), literal)
    }

    fn selector(&mut self) -> Result<Vec<Requirement>, String> {
        let mut requirements = Vec::new();
        loop {
            match self.look() {
                (Token::End, _) => return Ok(requirements),
                (Token::Word | Token::Not, _) => {}
                (_, literal) => return Err(format!("found '{literal}', expected: !, identifier, or 'end of string'")),
            }
            requirements.push(self.requirement().map_err(|err| format!("unable to parse requirement: {err}"))?);
            match self.take() {
                (Token::End, _) => return Ok(requirements),
                (Token::Comma, _) => {}
                (_, literal) => return Err(format!("found '{literal}', expected: ',' or 'end of string'")),
            }
            let (token, literal) = self.look();
            if !matches!(token, Token::Word | Token::Not) {
                return Err(format!("found '{literal}', expected: identifier after ','"));
            }
        }
    }

    fn requirement(&mut self) -> Result<Requirement, String> {
        let (mut token, mut key) = self.take();
        let negated = token == Token::Not;
        if negated {
            (token, key) = self.take();
        }
        if token != Token::Word {
            return Err(format!("found '{key}', expected: identifier"));
        }
        check_key(&key).map_err(|why| format!("<nil>: Invalid value: {key:?}: {why}"))?;
        if negated {
            return Requirement::new(key, Operator::Missing, BTreeSet::new());
        }
        if matches!(self.look().0, Token::End | Token::Comma) {
            return Requirement::new(key, Operator::Exists, BTreeSet::new());
        }
        let (token, literal) = self.take_operator();
        let operator = match token {
            Token::In | Token::Equals => Operator::In,
            Token::NotIn | Token::NotEquals => Operator::NotIn,
            Token::Greater => Operator::Greater,
            Token::Less => Operator::Less,
            _ => return Err(format!("found '{literal}', expected: in, notin, =, ==, !=, gt, lt")),
        };
        let first = self.position;
        let values = if matches!(token, Token::In | Token::NotIn) { self.values()? } else { self.exact_value()? };
        let requirement = Requirement::new(key, operator, values);
        if let Err(message) = &requirement {
            // The value that the message quotes, or where the values begin.
            let taken = self.tokens.get(first..self.position).unwrap_or_default();
            self.wrong = first + taken.iter().position(|it| message.contains(&format!("{:?}", it.literal))).unwrap_or(0);
        }
        requirement
    }

    /// `(a, b)`; a missing value between commas is the empty one.
    fn values(&mut self) -> Result<BTreeSet<String>, String> {
        let (token, literal) = self.take();
        if token != Token::Open {
            return Err(format!("found '{literal}' expected: '('"));
        }
        let mut values = BTreeSet::new();
        if self.look().0 == Token::Close {
            self.take();
            return Ok(values);
        }
        loop {
            let value = match self.look() {
                (Token::Word, _) => self.take().1,
                (Token::Comma | Token::Close, _) => String::new(),
                (_, literal) => return Err(format!("found '{literal}', expected: ',', or identifier")),
            };
            values.insert(value);
            match self.take() {
                (Token::Comma, _) => {}
                (Token::Close, _) => return Ok(values),
                (_, literal) => return Err(format!("found '{literal}', expected: ',' or ')'")),
            }
        }
    }

    fn exact_value(&mut self) -> Result<BTreeSet<String>, String> {
        if matches!(self.look().0, Token::End | Token::Comma) {
            return Ok(BTreeSet::from([String::new()]));
        }
        match self.take() {
            (Token::Word, literal) => Ok(BTreeSet::from([literal])),
            (_, literal) => Err(format!("found '{literal}', expected: identifier")),
        }
    }
}

/// `[prefix/]name`; the prefix is a DNS subdomain.
fn check_key(key: &str) -> Result<(), String> {
    let (prefix, name) = key.split_once('/').map_or((None, key), |(prefix, name)| (Some(prefix), name));
    if prefix.is_some_and(|it| !names::is_dns_subdomain(it)) {
        return Err("prefix part must be a lowercase RFC 1123 subdomain".to_owned());
    }
    if name.len() > 63 {
        return Err("name part must be no more than 63 bytes".to_owned());
    }
    if !is_label_text(name) {
        return Err(
            "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric \
                    character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is \
                    '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
                .to_owned(),
        );
    }
    Ok(())
}

fn check_value(value: &str) -> Result<(), String> {
    if value.len() > 63 {
        return Err("must be no more than 63 bytes".to_owned());
    }
    if !value.is_empty() && !is_label_text(value) {
        return Err(
            "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start \
                    and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex \
                    used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
                .to_owned(),
        );
    }
    Ok(())
}

fn is_label_text(text: &str) -> bool {
    let ends = |it: Option<char>| it.is_some_and(|it| it.is_ascii_alphanumeric());
    ends(text.chars().next())
        && ends(text.chars().last())
        && text.chars().all(|it| it.is_ascii_alphanumeric() || "-_.".contains(it))
}

/// The label selector of a workload in the syntax of kubectl; `None` when it selects nothing.
pub fn of_workload(owner: &Object) -> Option<String> {
    let mut terms = Vec::new();
    let labels = if owner.kind() == "ReplicationController" { "spec.selector" } else { "spec.selector.matchLabels" };
    for (key, value) in owner.get(labels).and_then(serde_json::Value::as_object).into_iter().flatten() {
        terms.push(format!("{key}={}", value.as_str()?));
    }
    for expression in owner.list("spec.selector.matchExpressions") {
        let key = expression.text("key");
        let values: Vec<&str> = expression.list("values").iter().filter_map(|it| it.value.as_str()).collect();
        terms.push(match expression.text("operator") {
            "In" => format!("{key} in ({})", values.join(",")),
            "NotIn" => format!("{key} notin ({})", values.join(",")),
            "Exists" => key.to_owned(),
            "DoesNotExist" => format!("!{key}"),
            _ => return None,
        });
    }
    (!terms.is_empty()).then(|| terms.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn selects(selector: &str) -> bool {
        let labels = json!({"app": "web", "tier": "", "in": "x", "example.com/size": "7"});
        LabelSelector::parse(selector).unwrap().selects(&Object::new(json!({"metadata": {"labels": labels}})))
    }

    #[test]
    fn selectors_select_as_on_a_real_server() {
        for yes in [
            "",
            "app",
            "app=web",
            "app==web",
            " app = web , !gone ",
            "app!=api",
            "gone!=x",
            "app in (web, api)",
            "app in(web)",
            "gone notin (a)",
            "app notin (a,b)",
            "tier=",
            "tier in (,a)",
            "!gone",
            "in=x",
            "in in (x)",
            "example.com/size=7",
            "example.com/size>6",
            "example.com/size<8",
        ] {
            assert!(selects(yes), "{yes}");
        }
        for no in [
            "gone",
            "app=api",
            "!app",
            "app!=web",
            "app notin (web)",
            "app in (a)",
            "gone=",
            "app>1",
            "example.com/size>7",
            "app,gone",
        ] {
            assert!(!selects(no), "{no}");
        }
    }

    #[test]
    fn wrong_selectors_are_refused_in_the_words_of_a_real_server() {
        for (selector, at, message) in [
            ("a in b", 6, "unable to parse requirement: found 'b' expected: '('"),
            ("a=b=c", 4, "found '=', expected: ',' or 'end of string'"),
            ("a,", 3, "found '', expected: identifier after ','"),
            ("=a", 1, "found '=', expected: !, identifier, or 'end of string'"),
            ("a b", 3, "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
            (
                "a in ()",
                6,
                "unable to parse requirement: values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty",
            ),
            ("!", 2, "unable to parse requirement: found '', expected: identifier"),
            ("a in (b", 8, "unable to parse requirement: found '', expected: ',' or ')'"),
        ] {
            assert_eq!(LabelSelector::parse(selector), Err(Wrong { message: message.to_owned(), at }), "{selector}");
        }
        for (selector, at, head) in [
            ("-a", 1, "unable to parse requirement: <nil>: Invalid value: \"-a\": name part must"),
            ("a=b/c", 3, "unable to parse requirement: values[0][a]: Invalid value: \"b/c\""),
            ("app=web, tier in (a, ü, b)", 22, "unable to parse requirement: values[2][tier]: Invalid value: \"ü\""),
            ("app=web, größe=7", 10, "unable to parse requirement: <nil>: Invalid value: \"größe\""),
            ("ok,size>big", 9, "unable to parse requirement: values[0]: Invalid value: \"big\": for 'Gt', 'Lt' operators"),
        ] {
            let wrong = LabelSelector::parse(selector).unwrap_err();
            assert!(wrong.at == at && wrong.message.starts_with(head), "{selector}: {wrong:?}");
        }
    }
    #[test]
    fn the_place_is_told_with_what_stands_before_it() {
        let told = |text: &str| LabelSelector::parse(text).unwrap_err().told(text);
        assert_eq!(told("a in b"), "unable to parse requirement: found 'b' expected: '(', at character 6 behind `a in `");
        assert!(told("=a").ends_with("'end of string', at character 1"), "{}", told("=a"));
        assert!(told("app=web,").ends_with("after ',', at the end behind `app=web,`"), "{}", told("app=web,"));
    }
}
