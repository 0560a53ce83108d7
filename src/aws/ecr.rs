//! Amazon ECR over its SDK.

use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_ecr::types::ImageIdentifier;

use super::Images;
use super::identity::Shared;
use crate::domain::surroundings::RegistryImage;
use crate::error::{ErrorKind, ToolError};

/// Tags that are offered where one is missing.
const TAGS: usize = 10;
/// Images that are looked through for these: a page of the repository.
const PAGE: i32 = 200;

pub(super) struct SdkImages {
    shared: Arc<Shared>,
    region: String,
}

impl SdkImages {
    pub(super) fn new(shared: Arc<Shared>, region: &str) -> Self {
        Self { shared, region: region.to_owned() }
    }

    /// The newest tags of a page of the repository.
    async fn tags(&self, registry: &str, repository: &str, thing: &str) -> Result<Vec<String>, ToolError> {
        let call = self.shared.call(&self.region, "ecr:DescribeImages", thing, |clients| async move {
            let request = clients.ecr.describe_images().registry_id(registry).repository_name(repository).max_results(PAGE);
            request.send().await
        });
        let mut images = call.await?.image_details.unwrap_or_default();
        images.sort_by_key(|it| std::cmp::Reverse(it.image_pushed_at.map(|it| it.secs())));
        Ok(images.into_iter().flat_map(|it| it.image_tags.unwrap_or_default()).take(TAGS).collect())
    }
}

#[async_trait]
impl Images for SdkImages {
    async fn image(&self, registry: &str, repository: &str, reference: &str) -> Result<RegistryImage, ToolError> {
        let thing = format!("repository `{repository}` of account {registry}");
        let is_digest = reference.contains(':');
        let call = self.shared.call(&self.region, "ecr:DescribeImages", &thing, |clients| async move {
            let id = ImageIdentifier::builder();
            let id = if is_digest { id.image_digest(reference) } else { id.image_tag(reference) }.build();
            let request = clients.ecr.describe_images().registry_id(registry).repository_name(repository);
            request.image_ids(id).send().await
        });
        let mut image = RegistryImage {
            registry: registry.to_owned(),
            repository: repository.to_owned(),
            reference: reference.to_owned(),
            repository_exists: true,
            ..RegistryImage::default()
        };
        match call.await {
            Ok(answer) => {
                let detail = answer.image_details.unwrap_or_default().into_iter().next();
                image.exists = detail.is_some();
                let scan = detail.and_then(|it| it.image_scan_status).and_then(|it| it.status);
                image.scan_status = scan.map(|it| it.as_str().to_owned()).unwrap_or_default();
            }
            Err(err) if err.message.contains("RepositoryNotFoundException") => image.repository_exists = false,
            Err(err) if err.kind == ErrorKind::NotFound || err.message.contains("ImageNotFoundException") => {}
            Err(err) => return Err(err),
        }
        if image.repository_exists && !image.exists {
            image.tags = self.tags(registry, repository, &thing).await.unwrap_or_default();
        }
        Ok(image)
    }
}
