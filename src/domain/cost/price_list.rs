//! Finding the one product that is meant among those of the Price List. Several or none is a refusal, never a guess.

use rust_decimal::Decimal;

use crate::domain::price::Product;

/// Service code of EKS.
pub const EKS: &str = "AmazonEKS";
/// Service code of EC2, which also lists EBS.
pub const EC2: &str = "AmazonEC2";

/// Something whose price is fetched once, however often it is needed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Item {
    /// Every fee of EKS in the Region.
    EksFees,
    /// A Linux instance by the hour.
    Instance(String),
    /// A GiB of a volume type for a month.
    Volume(String),
    /// A provisioned IOPS of gp3 for a month.
    Gp3Iops,
    /// Provisioned throughput of gp3 for a month.
    Gp3Throughput,
}

impl Item {
    /// Service code and filters of the query.
    pub fn query(&self, region: &str) -> (&'static str, Vec<(&'static str, String)>) {
        let mut filters = vec![("regionCode", region.to_owned())];
        let mut add =
            |pairs: &[(&'static str, &str)]| filters.extend(pairs.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let service = match self {
            Self::EksFees => EKS,
            Self::Instance(instance_type) => {
                add(&[
                    ("instanceType", instance_type),
                    ("operatingSystem", "Linux"),
                    ("tenancy", "Shared"),
                    ("preInstalledSw", "NA"),
                    ("capacitystatus", "Used"),
                    ("licenseModel", "No License required"),
                    ("marketoption", "OnDemand"),
                ]);
                EC2
            }
            Self::Volume(volume_type) => {
                add(&[("productFamily", "Storage"), ("volumeApiName", volume_type)]);
                EC2
            }
            Self::Gp3Iops => {
                add(&[("productFamily", "System Operation")]);
                EC2
            }
            Self::Gp3Throughput => {
                add(&[("productFamily", "Provisioned Throughput")]);
                EC2
            }
        };
        (service, filters)
    }

    /// How the usage type of the product ends; usage types begin with the Region in most places but not in all.
    fn suffix(&self) -> &'static str {
        match self {
            Self::EksFees | Self::Instance(_) | Self::Volume(_) => "",
            Self::Gp3Iops => "EBS:VolumeP-IOPS.gp3",
            Self::Gp3Throughput => "EBS:VolumeP-Throughput.gp3",
        }
    }

    /// The price among the products that the query found.
    ///
    /// # Errors
    /// Why there is no single price, for people.
    pub fn price(&self, products: &[Product]) -> Result<Rate, String> {
        let rate = price_of(products, self.suffix())?;
        match self {
            Self::EksFees | Self::Instance(_) => rate.in_unit(&["hr", "hour"]),
            Self::Volume(_) => rate.in_unit(&["gb"]),
            Self::Gp3Iops => rate.in_unit(&["iops"]),
            // The Price List counts GiB/s, people and StorageClasses count MiB/s.
            Self::Gp3Throughput if rate.unit.to_lowercase().starts_with("gib") => {
                Ok(Rate { price: rate.price / Decimal::from(1024), ..rate })
            }
            Self::Gp3Throughput => rate.in_unit(&["mib"]),
        }
    }
}

/// The price of one unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Price of one unit.
    pub price: Decimal,
    /// `USD`, or `CNY` in China.
    pub currency: String,
    /// The unit as the Price List writes it.
    pub unit: String,
    /// Where the price comes from: call, service, usage type.
    pub source: String,
    /// When AWS published it.
    pub published: Option<String>,
}

impl Rate {
    /// A price for a unit that we do not expect must not be multiplied with our quantity.
    fn in_unit(self, starts: &[&str]) -> Result<Self, String> {
        let unit = self.unit.to_lowercase();
        if starts.iter().any(|it| unit.starts_with(it)) {
            Ok(self)
        } else {
            Err(format!("its price is for the unknown unit `{}`", self.unit))
        }
    }
}

/// The hourly fee of EKS whose usage type ends so.
///
/// # Errors
/// Why there is no single price, for people.
pub fn eks_fee(products: &[Product], suffix: &str) -> Result<Rate, String> {
    price_of(products, suffix)?.in_unit(&["hr", "hour"])
}

fn price_of(products: &[Product], suffix: &str) -> Result<Rate, String> {
    let found: Vec<&Product> = products.iter().filter(|it| it.attribute("usagetype").ends_with(suffix)).collect();
    let product = match found.as_slice() {
        [] => return Err("the Price List has no product for it in this Region".to_owned()),
        [product] => product,
        several => return Err(format!("ambiguous: the Price List has {} products for it in this Region", several.len())),
    };
    let Some(price) = product.single_price() else {
        return Err(format!("its product has {} prices, not one", product.prices.len()));
    };
    Ok(Rate {
        price: price.price,
        currency: price.currency.clone(),
        unit: price.unit.clone(),
        source: format!("pricing:GetProducts {} {}", product.service, product.attribute("usagetype")),
        published: product.published.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::price::UnitPrice;

    fn product(usage_type: &str, unit: &str, price: &str) -> Product {
        Product {
            service: EC2.into(),
            sku: usage_type.into(),
            attributes: [("usagetype".to_owned(), usage_type.to_owned())].into(),
            prices: vec![UnitPrice {
                unit: unit.into(),
                price: price.parse().unwrap(),
                currency: "USD".into(),
                ..UnitPrice::default()
            }],
            published: None,
        }
    }

    #[test]
    fn exactly_one_product_in_a_known_unit_has_a_price() {
        let item = Item::Instance("m7i.large".into());
        let one = product("BoxUsage:m7i.large", "Hrs", "0.1008");
        assert_eq!(item.price(std::slice::from_ref(&one)).unwrap().source, "pricing:GetProducts AmazonEC2 BoxUsage:m7i.large");
        assert!(item.price(&[]).unwrap_err().contains("no product"));
        assert!(item.price(&[one.clone(), one]).unwrap_err().contains("ambiguous: the Price List has 2"));
        assert!(item.price(&[product("BoxUsage:m7i.large", "Quantity", "1")]).unwrap_err().contains("unknown unit `Quantity`"));
    }

    #[test]
    fn suffixes_tell_tiers_apart_and_throughput_is_by_mebibyte() {
        let tiers = ["USE1-AmazonEKS-Hours:XL-ProvisionedTier", "USE1-AmazonEKS-Hours:2XL-ProvisionedTier"]
            .map(|it| product(it, "Hours", "1.65"));
        assert_eq!(
            eks_fee(&tiers, "AmazonEKS-Hours:XL-ProvisionedTier").unwrap().source.rsplit(' ').next().unwrap(),
            "USE1-AmazonEKS-Hours:XL-ProvisionedTier"
        );
        let throughput = product("EBS:VolumeP-Throughput.gp3", "GiBps-mo", "40.96");
        assert_eq!(Item::Gp3Throughput.price(&[throughput]).unwrap().price.to_string(), "0.04");
    }
}
