//! `GET /api/v1/admin/verify`: whether anything was lost or left behind.

use axum::extract::State;
use kinora_http::{
    Json, Principal, Problem, Query,
    audit::{Verified, VerifyQuery},
    openapi::Problems,
};

use super::Api;
use crate::audit;

/// Holds the database, the store and the segment index against each other, of all accounts.
///
/// Each answer is about the next few videos; ask on with `next` until that is null.
#[utoipa::path(
    get,
    path = "/api/v1/admin/verify",
    tag = "transcoding",
    params(VerifyQuery),
    responses((status = OK, body = Verified), Problems),
    security(("api_key" = []))
)]
pub(super) async fn get_verify(
    State(api): State<Api>,
    // Every key is an operator's as long as there is one account.
    _: Principal,
    Query(query): Query<VerifyQuery>,
) -> Result<Json<Verified>, Problem> {
    Ok(Json(audit::verify(&api.0, query.after, query.limit()?).await?))
}
