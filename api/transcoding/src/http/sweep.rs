//! `POST /api/v1/admin/sweep`: what nobody needs.

use axum::extract::State;
use kinora_http::{
    Json, Principal, Problem, Query,
    openapi::Problems,
    sweep::{SweepQuery, Swept},
};

use super::Api;
use crate::audit::{self, Broom};

/// Find what nobody needs in the store: objects that nothing names, of encodes that are over or
/// unknown, and writes that nobody ended; of all accounts. With `apply` it is removed.
///
/// Each answer is about the next few videos; ask on with `next` until that is null.
#[utoipa::path(
    post,
    path = "/api/v1/admin/sweep",
    tag = "transcoding",
    params(SweepQuery),
    responses((status = OK, body = Swept), Problems),
    security(("api_key" = []))
)]
pub(super) async fn post_sweep(
    State(api): State<Api>,
    // Every key is an operator's as long as there is one account.
    _: Principal,
    Query(query): Query<SweepQuery>,
) -> Result<Json<Swept>, Problem> {
    let usual = Broom::usual(&api.0);
    let age_us = query.older_than_us().unwrap_or(usual.age_us);
    let broom = Broom { apply: query.apply, age_us };
    Ok(Json(audit::sweep(&api.0, query.after, query.limit()?, broom).await?))
}
