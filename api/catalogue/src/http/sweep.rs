//! `POST /api/v1/admin/sweep/catalogue`: what nobody needs in the spool.

use axum::extract::State;
use kinora_http::{
    Json, Principal, Problem, Query, Timestamp,
    openapi::Problems,
    sweep::{Stray, StrayKind, SweepQuery, Swept},
};

use crate::{
    catalogue::HttpState,
    upload::sweep::{Orphan, orphans},
};

/// Find files in the spool that no upload needs, of all accounts. With `apply` they are removed, as
/// they are once a minute; they are never too young. All are in one answer.
#[utoipa::path(
    post,
    path = "/api/v1/admin/sweep/catalogue",
    tag = "videos",
    params(SweepQuery),
    responses((status = OK, body = Swept), Problems),
    security(("api_key" = []))
)]
pub(super) async fn sweep_catalogue(
    State(state): State<HttpState>,
    // Every key is an operator's as long as there is one account.
    _: Principal,
    Query(query): Query<SweepQuery>,
) -> Result<Json<Swept>, Problem> {
    query.limit()?;
    let stray = |Orphan { upload, bytes, written_at_us }| Stray {
        kind: StrayKind::Spool,
        video: None,
        name: upload.to_string(),
        bytes: Some(bytes),
        since: Timestamp(written_at_us),
        message: "no upload needs it".to_owned(),
        removed: query.apply,
    };
    let strays = orphans(&state.core, query.apply).await?.into_iter().map(stray).collect();
    Ok(Json(Swept { strays, ..Swept::default() }))
}
