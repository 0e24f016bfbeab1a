//! Uploads by tus.

use std::path::Path;

use reqwest::{Body, Method, Response, StatusCode};

use super::Server;

impl Server {
    /// Begins a tus upload; the answer as it is.
    pub(crate) async fn create_upload(&self, name: &str, length: u64) -> Response {
        self.request(Method::POST, "/api/v1/uploads")
            .header("Tus-Resumable", "1.0.0")
            .header("Upload-Length", length)
            .header("Upload-Metadata", format!("filename {}", base64(name)))
            .send()
            .await
            .unwrap()
    }

    /// One tus PATCH; the answer as it is.
    pub(crate) async fn patch(&self, url: &str, offset: u64, body: impl Into<Body>) -> Response {
        self.request(Method::PATCH, url)
            .header("Tus-Resumable", "1.0.0")
            .header("Upload-Offset", offset)
            .header("Content-Type", "application/offset+octet-stream")
            .body(body)
            .send()
            .await
            .unwrap()
    }

    /// Uploads bytes; the video's id.
    pub(crate) async fn upload(&self, name: &str, bytes: Vec<u8>) -> String {
        let created = self.create_upload(name, bytes.len() as u64).await;
        assert_eq!(created.status(), StatusCode::CREATED);
        let header = |name| created.headers()[name].to_str().unwrap().to_owned();
        let (video, url) = (header("Kinora-Video"), header("Location"));
        if !bytes.is_empty() {
            let patched = self.patch(&url, 0, bytes).await;
            assert_eq!(patched.status(), StatusCode::NO_CONTENT, "{name}");
        }
        video
    }

    /// Uploads bytes into a video that is there.
    pub(crate) async fn upload_into(&self, video: &str, bytes: Vec<u8>) {
        let created = self
            .request(Method::POST, "/api/v1/uploads")
            .header("Tus-Resumable", "1.0.0")
            .header("Upload-Length", bytes.len())
            .header("Upload-Metadata", format!("video {}", base64(video)))
            .send()
            .await
            .unwrap();
        assert_eq!(created.headers()["Kinora-Video"], video);
        let url = created.headers()["Location"].to_str().unwrap().to_owned();
        assert_eq!(self.patch(&url, 0, bytes).await.status(), StatusCode::NO_CONTENT);
    }

    /// Uploads a file; the video's id.
    pub(crate) async fn upload_file(&self, file: &Path) -> String {
        let name = file.file_name().unwrap().to_str().unwrap();
        self.upload(name, std::fs::read(file).unwrap()).await
    }
}

fn base64(text: &str) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(text)
}
