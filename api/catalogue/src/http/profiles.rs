//! `/api/v1/profiles`.

use std::sync::Arc;

use axum::extract::State as Held;
use kinora_http::{Json, Principal, Problem, openapi::Problems};
use serde::Serialize;
use utoipa::ToSchema;

use crate::core::Core;

/// What videos may be encoded by.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Profiles {
    items: Vec<Profile>,
}

/// A way to encode videos.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Profile {
    #[schema(example = "default")]
    name: String,
    /// One line for those who choose.
    description: String,
    /// Whether it came with Kinora.
    built_in: bool,
    /// Whether it is in force where nobody asks.
    default: bool,
    /// Its file: what it leaves out is as in the built-in `default`.
    toml: String,
}

/// List profiles, in the order of names
#[utoipa::path( operation_id = "list_profiles",
    get, path = "/api/v1/profiles", tag = "profiles", security(("api_key" = [])),
    responses((status = 200, body = Profiles), Problems)
)]
pub(super) async fn list(
    _principal: Principal,
    Held(core): Held<Arc<Core>>,
) -> Result<Json<Profiles>, Problem> {
    let default = &core.profiles.default_profile().name;
    let items = core.profiles.iter().map(|named| Profile {
        name: named.name.clone(),
        description: named.profile.description.clone(),
        built_in: named.built_in,
        default: named.name == *default,
        toml: named.text.clone(),
    });
    Ok(Json(Profiles { items: items.collect() }))
}
