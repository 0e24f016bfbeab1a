//! `GET /api/v1/admin/verify/catalogue`: whether the catalogue agrees with what it tells of.

use axum::extract::State;
use kinora_http::{Json, Principal, Problem, Query, audit::Verified, openapi::Problems};
use kinora_media::VideoId;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{audit, catalogue::HttpState};

/// Where to look.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct VerifyQuery {
    /// The `next` of the answer before.
    #[param(value_type = Option<Uuid>)]
    after: Option<VideoId>,
    /// Videos to look at.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
}

/// Holds the catalogue against the presentations that players are shown, its uploads against the
/// spool, and both against what quotas count, of all accounts.
///
/// Each answer is about the next few videos; ask on with `next` until that is null.
#[utoipa::path(
    get,
    path = "/api/v1/admin/verify/catalogue",
    tag = "videos",
    params(VerifyQuery),
    responses((status = OK, body = Verified), Problems),
    security(("api_key" = []))
)]
pub(super) async fn verify_catalogue(
    State(state): State<HttpState>,
    // Every key is an operator's as long as there is one account.
    _: Principal,
    Query(query): Query<VerifyQuery>,
) -> Result<Json<Verified>, Problem> {
    let limit = query.limit.unwrap_or(20);
    if !(1..=100).contains(&limit) {
        return Err(Problem::invalid_request("limit must be 1 to 100"));
    }
    Ok(Json(audit::verify(&state.core, query.after, limit).await?))
}
