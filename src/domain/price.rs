//! List prices as the AWS Price List publishes them.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A product of the Price List with its On-Demand price (`pricing:GetProducts`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Product {
    /// Service code, such as `AmazonEKS`.
    pub service: String,
    /// Stock-keeping unit of the product.
    pub sku: String,
    /// Attributes, such as `usagetype`, `regionCode`, `instanceType`.
    pub attributes: BTreeMap<String, String>,
    /// On-Demand prices: one, or one for each tier of quantity.
    pub prices: Vec<UnitPrice>,
    /// When AWS published the price, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<String>,
}

/// The price of one unit within a range of quantity.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UnitPrice {
    /// What one unit is, such as `Hrs` or `GB-Mo`.
    pub unit: String,
    /// Price of one unit.
    #[schemars(with = "String")]
    pub price: Decimal,
    /// `USD`, or `CNY` in China.
    pub currency: String,
    /// Quantity at which this price starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Quantity at which it ends; absent for the last tier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

impl Product {
    /// The price where there is exactly one; `None` for tiered or unpriced products.
    pub fn single_price(&self) -> Option<&UnitPrice> {
        match self.prices.as_slice() {
            [price] => Some(price),
            _ => None,
        }
    }

    /// The value of an attribute, empty where absent.
    pub fn attribute(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }
}
