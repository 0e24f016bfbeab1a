//! What must hold after everything: the same question an operator asks with `kinora admin verify`.

use serde_json::Value;

use crate::support::Server;

/// Nothing was lost, and nothing left behind that no chore is due for.
pub(crate) async fn holds(server: &Server) {
    for half in ["verify", "verify/catalogue"] {
        asked(server, half).await;
    }
}

async fn asked(server: &Server, half: &str) {
    let mut after = String::new();
    loop {
        let page = server.get(&format!("/api/v1/admin/{half}?limit=100{after}")).await;
        let findings = page["findings"].as_array().unwrap();
        let faults: Vec<&Value> = findings.iter().filter(|f| f["severity"] == "fault").collect();
        assert!(faults.is_empty(), "{faults:#?}");
        let Some(next) = page["next"].as_str() else { return };
        after = format!("&after={next}");
    }
}
