//! The frame of the OpenAPI document that the services' routers fill.

use std::collections::BTreeMap;

use utoipa::{
    IntoResponses, OpenApi, PartialSchema, ToSchema,
    openapi::{
        self, Components, Content, InfoBuilder, Ref, RefOr, Response, ResponseBuilder,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use crate::{PROBLEM_JSON, ProblemBody};

/// The name under which operations require an API key: `security(("api_key" = []))`.
pub const API_KEY: &str = "api_key";

/// "Anything else is a problem", for the `responses(…)` of an operation.
#[derive(Debug)]
pub struct Problems;

impl IntoResponses for Problems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let schema = Ref::from_schema_name(ProblemBody::name());
        let response = ResponseBuilder::new()
            .description("A problem (RFC 9457)")
            .content(PROBLEM_JSON, Content::new(Some(schema)))
            .build();
        BTreeMap::from([("default".to_owned(), response.into())])
    }
}

#[derive(OpenApi)]
#[openapi()]
struct Empty;

/// An empty document with the security scheme and the schema of problems.
pub fn frame(title: &str, version: &str) -> openapi::OpenApi {
    let mut document = Empty::openapi();
    document.info = InfoBuilder::new().title(title).version(version).build();
    let components = document.components.get_or_insert_with(Components::new);
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("kin_…").build();
    components.add_security_scheme(API_KEY, SecurityScheme::Http(bearer));
    components.schemas.insert(ProblemBody::name().into_owned(), ProblemBody::schema());
    document
}
