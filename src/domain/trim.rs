//! Objects made to fit: fields by path, and values cut where they are largest.

use serde_json::Value;

/// The values at a path as people write it: names, `[0]`, `[*]`, `["a.b/c"]`. Names with dots are also found without brackets:
/// `metadata.annotations.eks.amazonaws.com/role-arn`.
pub fn find<'a>(value: &'a Value, path: &str) -> Vec<(String, &'a Value)> {
    let mut found = Vec::new();
    walk(value, path.trim().trim_start_matches('.'), "", &mut found);
    found
}

/// Values that a path with `[*]` leads to at most.
const MOST: usize = 200;

fn walk<'a>(value: &'a Value, rest: &str, at: &str, found: &mut Vec<(String, &'a Value)>) {
    if found.len() >= MOST {
        return;
    }
    if rest.is_empty() {
        found.push((at.to_owned(), value));
        return;
    }
    if let Some(inside) = rest.strip_prefix('[') {
        let Some((index, rest)) = inside.split_once(']') else { return };
        let rest = rest.strip_prefix('.').unwrap_or(rest);
        let index = index.trim();
        let quoted = index.trim_matches(['"', '\'']);
        match value {
            Value::Array(items) if index == "*" => {
                for (index, item) in items.iter().enumerate() {
                    walk(item, rest, &format!("{at}[{index}]"), found);
                }
            }
            Value::Array(items) => {
                if let Some(item) = index.parse::<usize>().ok().and_then(|it| items.get(it)) {
                    walk(item, rest, &format!("{at}[{index}]"), found);
                }
            }
            Value::Object(fields) => {
                if let Some(field) = fields.get(quoted) {
                    walk(field, rest, &join(at, quoted), found);
                }
            }
            _ => {}
        }
        return;
    }
    let Value::Object(fields) = value else { return };
    // The shortest name that leads on is meant: `a.b` is `b` in `a` before it is the name `a.b`.
    let ends = rest.match_indices(['.', '[']).map(|(index, _)| index).chain([rest.len()]);
    for end in ends.take(20) {
        let (Some(name), Some(further)) = (rest.get(..end), rest.get(end..)) else { continue };
        let Some(field) = fields.get(name) else { continue };
        let before = found.len();
        walk(field, further.strip_prefix('.').unwrap_or(further), &join(at, name), found);
        if found.len() > before {
            return;
        }
    }
}

/// A path one name longer, in the form that [`find`] takes.
fn join(path: &str, name: &str) -> String {
    if name.contains(['.', '[', ']']) {
        format!("{path}[\"{name}\"]")
    } else if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

/// The names that a path could go on with, where it ends: for errors.
pub fn names_at<'a>(value: &'a Value, path: &str) -> Vec<&'a str> {
    let mut prefix = path.trim().trim_start_matches('.');
    while let Some(end) = prefix.rfind(['.', '[']) {
        prefix = prefix.get(..end).unwrap_or_default();
        if let Some((_, Value::Object(fields))) = find(value, prefix).first() {
            return fields.keys().map(String::as_str).collect();
        }
    }
    value.as_object().map(|it| it.keys().map(String::as_str).collect()).unwrap_or_default()
}

/// Cuts a value so that it takes at most about `budget` characters of JSON, where it is largest first; returns the paths of what
/// was cut. What is small stays whole.
pub fn fit(value: &mut Value, budget: usize) -> Vec<String> {
    let mut cut = Vec::new();
    shrink(value, budget, "", &mut cut);
    cut
}

/// Characters of the note that stands for what was cut.
const NOTE: usize = 60;

fn shrink(value: &mut Value, budget: usize, path: &str, cut: &mut Vec<String>) {
    let size = size(value);
    if size <= budget {
        return;
    }
    match value {
        Value::String(text) => {
            *text = super::text::cut(text, budget.saturating_sub(NOTE));
            cut.push(path.to_owned());
        }
        Value::Object(_) | Value::Array(_) if budget < NOTE => {
            *value = Value::from(format!("… {size} characters"));
            cut.push(path.to_owned());
        }
        Value::Array(items) => {
            let mut used = 2;
            let fitting = items.iter().take_while(|it| {
                used += self::size(it) + 1;
                used + NOTE <= budget
            });
            // One item that is cut says more than none.
            let keep = fitting.count().max(1);
            let left = items.len().saturating_sub(keep);
            items.truncate(keep);
            if let (1, Some(only)) = (keep, items.first_mut()) {
                shrink(only, budget.saturating_sub(NOTE), &format!("{path}[0]"), cut);
            }
            if left > 0 {
                items.push(Value::from(format!("… {left} more items")));
                cut.push(path.to_owned());
            }
        }
        Value::Object(fields) => {
            let dropped = drop_last(fields, budget.saturating_sub(NOTE));
            let budget = if dropped > 0 { budget.saturating_sub(NOTE) } else { budget };
            // Every field gets an equal share; what small ones leave is shared among the larger.
            let mut sizes: Vec<(usize, String)> = fields.iter().map(|(name, it)| (self::size(it), name.clone())).collect();
            sizes.sort();
            let names: usize = fields.keys().map(|it| it.len() + 4).sum();
            let mut left = budget.saturating_sub(names + 2);
            let mut fields_left = sizes.len();
            for (size, name) in sizes {
                let share = left / fields_left.max(1);
                if size > share
                    && let Some(field) = fields.get_mut(&name)
                {
                    shrink(field, share, &join(path, &name), cut);
                }
                left = left.saturating_sub(size.min(share));
                fields_left -= 1;
            }
            if dropped > 0 {
                fields.insert("…".to_owned(), Value::from(format!("{dropped} more fields")));
                cut.push(path.to_owned());
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Characters of a value that was cut as far as it can be.
const SHORTEST: usize = 40;

/// Drops the last fields of an object, when there are so many that even their names and the beginnings of their values do not
/// fit; returns how many. One stays.
fn drop_last(fields: &mut serde_json::Map<String, Value>, budget: usize) -> usize {
    let mut used = 2;
    let fitting = fields.iter().take_while(|(name, it)| {
        used += name.len() + 4 + size(it).min(SHORTEST);
        used <= budget
    });
    let keep = fitting.count().max(1);
    let dropped = fields.len().saturating_sub(keep);
    let mut index = 0;
    fields.retain(|_, _| {
        index += 1;
        index <= keep
    });
    dropped
}

/// Characters of JSON that a value takes, about.
pub fn size(value: &Value) -> usize {
    match value {
        Value::Null => 4,
        Value::Bool(_) => 5,
        Value::Number(number) => number.to_string().len(),
        Value::String(text) => text.len() + text.bytes().filter(|it| matches!(it, b'"' | b'\\' | b'\n')).count() + 2,
        Value::Array(items) => items.iter().map(|it| size(it) + 1).sum::<usize>() + 2,
        Value::Object(fields) => fields.iter().map(|(name, it)| name.len() + size(it) + 4).sum::<usize>() + 2,
    }
}

/// Fields that mean nothing while they are empty. Others do: `emptyDir: {}`, `podSelector: {}`, `ingress: []`.
const MEANINGLESS: [&str; 6] = ["annotations", "labels", "resources", "securityContext", "status", "strategy"];

/// Drops fields that hold nothing: null, empty text, and the empty lists and objects that mean nothing.
pub fn drop_empty(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.values_mut().for_each(drop_empty);
            fields.retain(|key, it| match it {
                Value::Null => false,
                Value::String(text) => !text.is_empty(),
                Value::Object(inner) => !inner.is_empty() || !MEANINGLESS.contains(&key.as_str()),
                _ => true,
            });
        }
        Value::Array(items) => items.iter_mut().for_each(drop_empty),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn fields_are_found_as_people_write_them() {
        let object = json!({
            "metadata": {"annotations": {"eks.amazonaws.com/role-arn": "arn", "a": {"b": 1}, "a.b": 2}},
            "spec": {"containers": [{"image": "x"}, {"image": "y"}, {}]},
        });
        for (path, expected) in [
            ("metadata.annotations.eks.amazonaws.com/role-arn", vec![json!("arn")]),
            (r#".metadata.annotations["eks.amazonaws.com/role-arn"]"#, vec![json!("arn")]),
            ("spec.containers[*].image", vec![json!("x"), json!("y")]),
            ("spec.containers[1].image", vec![json!("y")]),
            ("metadata.annotations.a.b", vec![json!(1)]),
            (r#"metadata.annotations["a.b"]"#, vec![json!(2)]),
            ("spec.none", vec![]),
            ("spec.containers[9]", vec![]),
            ("spec.containers[", vec![]),
        ] {
            let found: Vec<Value> = find(&object, path).into_iter().map(|(_, it)| it.clone()).collect();
            assert_eq!(found, expected, "{path}");
        }
        for (path, value) in find(&object, "spec.containers[*].image") {
            assert_eq!(find(&object, &path), [(path.clone(), value)]);
        }
        assert_eq!(names_at(&object, "spec.contaners[0].image"), ["containers"]);
        assert_eq!(names_at(&object, "spce"), ["metadata", "spec"]);
    }

    #[test]
    fn what_is_large_is_cut_and_what_is_small_stays() {
        let mut object = json!({
            "name": "a", "labels": {"app": "web"}, "big": "x".repeat(100_000),
            "many": (0..10_000).collect::<Vec<_>>(), "deep": {"deeper": {"data": "y".repeat(50_000), "small": true}},
        });
        let cut = fit(&mut object, 3_000);
        assert!(object.to_string().len() <= 3_000, "{}", object.to_string().len());
        assert_eq!((object["name"].as_str(), object["labels"]["app"].as_str()), (Some("a"), Some("web")));
        assert_eq!(object["deep"]["deeper"]["small"], true);
        assert_eq!(cut, ["many", "deep.deeper.data", "big"]);
        assert!(object["many"].as_array().unwrap().last().unwrap().as_str().unwrap().contains("more items"));
        let mut small = json!({"a": [1, 2]});
        assert!(fit(&mut small, 3_000).is_empty());
    }

    #[test]
    fn of_more_fields_than_fit_the_first_are_shown() {
        let fields: Vec<(String, Value)> = (0..2_000).map(|it| (format!("key-{it}"), json!("x".repeat(500)))).collect();
        let mut object = json!({"data": fields.into_iter().collect::<serde_json::Map<_, _>>(), "kind": "ConfigMap"});
        let cut = fit(&mut object, 3_000);
        assert!(object.to_string().chars().count() <= 3_000, "{}", object.to_string().len());
        let data = object["data"].as_object().unwrap();
        assert!(data.len() > 20 && data.contains_key("key-0"), "{data:?}");
        assert_eq!(data["…"], format!("{} more fields", 2_000 - (data.len() - 1)));
        assert_eq!((object["kind"].as_str(), cut.last().map(String::as_str)), (Some("ConfigMap"), Some("data")));
    }

    #[test]
    fn what_is_empty_stays_where_that_means_something() {
        let mut object = json!({
            "metadata": {"creationTimestamp": null, "labels": {}}, "status": {},
            "spec": {"podSelector": {}, "ingress": [], "volumes": [{"name": "a", "emptyDir": {}}], "clusterName": ""},
        });
        drop_empty(&mut object);
        assert_eq!(
            object,
            json!({"metadata": {}, "spec": {"podSelector": {}, "ingress": [], "volumes": [{"name": "a", "emptyDir": {}}]}})
        );
    }

    #[test]
    fn nothing_is_too_odd_to_fit() {
        for mut odd in
            [json!([["x".repeat(900)]]), json!({"a": {"b": {"c": "x".repeat(900)}}}), json!("x".repeat(900)), json!([])]
        {
            fit(&mut odd, 200);
            assert!(odd.to_string().chars().count() <= 260, "{odd}");
        }
    }
}
