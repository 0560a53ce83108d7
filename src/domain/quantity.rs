//! Kubernetes quantities: `250m`, `1.5`, `512Mi`, `2G`, `1e3`.

/// A quantity as a number of base units: cores for CPU, bytes for memory and storage.
///
/// `None` when the text is no quantity.
pub fn parse(text: &str) -> Option<f64> {
    let text = text.trim();
    let split = text.find(|it: char| !(it.is_ascii_digit() || matches!(it, '.' | '+' | '-')))?;
    parse_parts(text, split)
}

fn parse_parts(text: &str, split: usize) -> Option<f64> {
    let (number, suffix) = text.split_at(split);
    let number: f64 = number.parse().ok()?;
    let factor = match suffix {
        "n" => 1e-9,
        "u" => 1e-6,
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "E" => 1e18,
        "Ki" => 1024_f64,
        "Mi" => 1024_f64.powi(2),
        "Gi" => 1024_f64.powi(3),
        "Ti" => 1024_f64.powi(4),
        "Pi" => 1024_f64.powi(5),
        "Ei" => 1024_f64.powi(6),
        exponent => {
            let power: i32 = exponent.strip_prefix(['e', 'E'])?.parse().ok()?;
            10_f64.powi(power)
        }
    };
    let value = number * factor;
    value.is_finite().then_some(value)
}

/// [`parse`], also for plain numbers.
pub fn parse_any(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|it: &f64| it.is_finite()).or_else(|| parse(text))
}

/// Bytes for people, in the binary units that Kubernetes uses: `512Mi`, `1.5Gi`.
pub fn bytes(value: f64) -> String {
    const UNITS: [&str; 6] = ["", "Ki", "Mi", "Gi", "Ti", "Pi"];
    let mut value = value;
    let mut unit = 0;
    while value.abs() >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{}{}", number(value), UNITS.get(unit).copied().unwrap_or_default())
}

/// Cores for people: `250m`, `1.5`.
pub fn cores(value: f64) -> String {
    if value.abs() < 1.0 { format!("{}m", number((value * 1000.0).round())) } else { number(value) }
}

/// A number with at most three significant digits after cutting zeros: `12`, `1.5`, `0.03`.
pub fn number(value: f64) -> String {
    let digits = match value.abs() {
        it if it >= 100.0 => 0,
        it if it >= 10.0 => 1,
        it if it >= 0.1 => 2,
        _ => 4,
    };
    let text = format!("{value:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_of_every_suffix_are_read() {
        for (text, value) in
            [("250m", 0.25), ("1", 1.0), ("1.5", 1.5), ("512Mi", 536_870_912.0), ("2G", 2e9), ("1e3", 1000.0), ("100n", 1e-7)]
        {
            let parsed = parse_any(text).unwrap();
            assert!((parsed - value).abs() <= value * 1e-12, "{text} = {parsed}");
        }
        for wrong in ["", "Mi", "1 Gi", "1Gib", "--1", "1e999", "NaN", "inf"] {
            assert_eq!(parse_any(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn quantities_are_written_short() {
        assert_eq!(
            [bytes(536_870_912.0), bytes(1_610_612_736.0), cores(0.25), cores(1.5), number(0.0336)].join(" "),
            "512Mi 1.5Gi 250m 1.5 0.0336"
        );
    }
}
