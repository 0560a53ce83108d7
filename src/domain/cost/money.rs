//! Money for people. Rounding happens here and nowhere else.

use rust_decimal::{Decimal, RoundingStrategy};

fn rounded(value: Decimal, digits: u32) -> Decimal {
    value.round_dp_with_strategy(digits, RoundingStrategy::MidpointAwayFromZero)
}

/// An amount to the cent, without currency: `1234.50`.
pub fn cents(value: Decimal) -> String {
    format!("{:.2}", rounded(value, 2))
}

/// A rate with at least two and at most six decimals: `0.10`, `0.00979`.
pub fn rate(value: Decimal) -> String {
    let value = rounded(value, 6).normalize();
    if value.scale() < 2 { format!("{value:.2}") } else { value.to_string() }
}

/// A quantity without useless zeros: `20`, `0.5`; at most three decimals.
pub fn quantity(value: Decimal) -> String {
    rounded(value, 3).normalize().to_string()
}

/// An amount for prose: `$1,234.50`, `CNY 1,234.50`.
pub fn amount(currency: &str, value: Decimal) -> String {
    format!("{}{}", prefix(currency), grouped(&cents(value)))
}

/// A rate for prose: `$0.1008`, `CNY 0.688`.
pub fn rate_in(currency: &str, value: Decimal) -> String {
    format!("{}{}", prefix(currency), rate(value))
}

fn prefix(currency: &str) -> String {
    if currency == "USD" { "$".to_owned() } else { format!("{currency} ") }
}

fn grouped(number: &str) -> String {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
    let mut text = String::from(sign);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if !fraction.is_empty() {
        text.push('.');
        text.push_str(fraction);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn money_is_written_to_the_cent_and_rates_to_six_decimals() {
        assert_eq!(amount("USD", decimal("1234567.895")), "$1,234,567.90");
        assert_eq!(amount("CNY", decimal("73")), "CNY 73.00");
        assert_eq!(amount("USD", decimal("-1234.5")), "$-1,234.50");
        assert_eq!(
            [rate(decimal("0.1")), rate(decimal("0.00979")), rate(decimal("0.12345678"))].join(" "),
            "0.10 0.00979 0.123457"
        );
        assert_eq!([quantity(decimal("20.000")), quantity(decimal("0.5"))].join(" "), "20 0.5");
    }
}
