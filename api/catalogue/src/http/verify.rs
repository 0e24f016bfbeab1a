//! `GET /api/v1/admin/verify/catalogue`: whether the catalogue agrees with what it tells of.

use axum::extract::State;
use kinora_http::{
    Json, Principal, Problem, Query,
    audit::{Verified, VerifyQuery},
    openapi::Problems,
};

use crate::{audit, catalogue::HttpState};

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
    Ok(Json(audit::verify(&state.core, query.after, query.limit()?).await?))
}
