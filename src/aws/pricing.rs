//! The AWS Price List over its SDK.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_pricing::types::{Filter, FilterType};
use rust_decimal::Decimal;
use serde::Deserialize;

use super::Pricing;
use super::identity::Shared;
use crate::domain::price::{Product, UnitPrice};
use crate::error::{ErrorKind, ToolError};

/// The query API of the price list exists in a few Regions only; each of them knows the prices of all.
const REGION: &str = "us-east-1";

pub(super) struct SdkPricing {
    shared: Arc<Shared>,
}

impl SdkPricing {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }
}

#[async_trait]
impl Pricing for SdkPricing {
    async fn products(&self, service: &str, filters: &[(&str, &str)]) -> Result<Vec<Product>, ToolError> {
        let state = self.shared.state();
        let load = async {
            let thing = format!("service {service}");
            let call = self.shared.call(REGION, "pricing:GetProducts", &thing, |clients| async move {
                let mut request = clients.pricing.get_products().service_code(service).format_version("aws_v1");
                for (field, value) in filters {
                    let filter = Filter::builder().r#type(FilterType::TermMatch).field(*field).value(*value).build()?;
                    request = request.filters(filter);
                }
                request.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await
            });
            let products: Result<Vec<Product>, _> = call.await?.iter().map(|text| parse(service, text)).collect();
            let products = products.map_err(|err| {
                ToolError::new(ErrorKind::Upstream, format!("pricing:GetProducts on {thing}: unexpected product: {err}"))
            })?;
            Ok(Arc::new(products))
        };
        let key = format!("{service} {filters:?}");
        let products: Result<Arc<Vec<Product>>, Arc<ToolError>> = state.products.try_get_with(key, load).await;
        products.map(|it| it.to_vec()).map_err(|err| ToolError::clone(&err))
    }
}

/// A product as the price list writes it: a JSON document in a string.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    product: ProductPart,
    #[serde(default)]
    terms: Terms,
    publication_date: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProductPart {
    #[serde(default)]
    sku: String,
    product_family: Option<String>,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
struct Terms {
    #[serde(default, rename = "OnDemand")]
    on_demand: BTreeMap<String, Offer>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Offer {
    #[serde(default)]
    price_dimensions: BTreeMap<String, Dimension>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Dimension {
    #[serde(default)]
    unit: String,
    begin_range: Option<String>,
    end_range: Option<String>,
    #[serde(default)]
    price_per_unit: BTreeMap<String, Decimal>,
}

fn parse(service: &str, text: &str) -> Result<Product, serde_json::Error> {
    let document: Document = serde_json::from_str(text)?;
    let mut attributes = document.product.attributes;
    if let Some(family) = document.product.product_family {
        attributes.insert("productFamily".to_owned(), family);
    }
    let dimensions = document.terms.on_demand.into_values().flat_map(|it| it.price_dimensions.into_values());
    let mut prices: Vec<UnitPrice> = dimensions
        .filter_map(|it| {
            let (currency, price) = it.price_per_unit.into_iter().next()?;
            let open = |range: Option<String>| range.filter(|it| it != "0" && it != "Inf");
            Some(UnitPrice {
                unit: it.unit,
                price: price.normalize(),
                currency,
                from: open(it.begin_range),
                to: open(it.end_range),
            })
        })
        .collect();
    prices.sort_by_key(|it| it.from.as_ref().and_then(|it| it.parse::<Decimal>().ok()).unwrap_or_default());
    Ok(Product {
        service: service.to_owned(),
        sku: document.product.sku,
        attributes,
        prices,
        published: document.publication_date,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiers_are_kept_in_order_and_prices_are_exact() {
        let text = r#"{"product":{"sku":"S","productFamily":"Compute","attributes":{"usagetype":"USE1-AmazonEKSHybridNodes-Hours:pervCPU"}},
            "terms":{"OnDemand":{"S.O":{"priceDimensions":{
              "b":{"unit":"vCPU-Hours","beginRange":"576000","endRange":"Inf","pricePerUnit":{"USD":"0.0140000000"}},
              "a":{"unit":"vCPU-Hours","beginRange":"0","endRange":"576000","pricePerUnit":{"USD":"0.0200000000"}}}}}},
            "publicationDate":"2026-09-18T00:00:00Z","version":"1"}"#;
        let product = parse("AmazonEKS", text).unwrap();
        assert_eq!(product.prices.iter().map(|it| it.price.to_string()).collect::<Vec<_>>(), ["0.02", "0.014"]);
        assert_eq!(product.prices[1].from.as_deref(), Some("576000"));
        assert_eq!(product.attribute("productFamily"), "Compute");
        assert!(product.single_price().is_none());
    }
}
