//! Which answer an error is.

use http::{HeaderName, StatusCode, header};
use kinora_http::Problem;
use kinora_packager::text::TextError;
use kinora_store::StoreError;

use crate::{error::Error, query::view::upload_path};

const UPLOAD_OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const TUS_MAX_SIZE: HeaderName = HeaderName::from_static("tus-max-size");

/// When another upload is likely to have ended, seconds.
const ANOTHER_UPLOAD_S: u64 = 15;

/// 460 (tus 1.0 "Checksum").
fn checksum_mismatch() -> StatusCode {
    StatusCode::from_u16(460).expect("460 has three digits")
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        match error {
            Error::NoVideo => Self::not_found("video"),
            Error::NoUpload => Self::not_found("upload"),
            Error::UploadGone => Self::new(StatusCode::GONE, "upload_gone", "The upload is gone"),
            Error::NotAwaitingUpload => {
                Self::conflict("upload_finished", "The upload of this video has ended already")
            }
            Error::NotFailed => {
                Self::conflict("not_failed", "Only a video that failed can be tried again")
            }
            Error::NoSource => {
                Self::conflict("no_source", "Its upload was never whole; upload the file again")
            }
            Error::UploadExists(id) => {
                Self::conflict("upload_exists", "This video is being uploaded already")
                    .with_header(header::LOCATION, upload_path(id))
            }
            Error::TooManyUploads(limit) => {
                let detail = format!("Finish some of your {limit} uploads first");
                Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_uploads", detail)
                    .with_header(header::RETRY_AFTER, ANOTHER_UPLOAD_S.to_string())
            }
            Error::QueueFull { queued, retry_after_s } => {
                let detail = format!("{queued} of your videos are on their way already");
                Self::new(StatusCode::TOO_MANY_REQUESTS, "queue_full", detail)
                    .with_header(header::RETRY_AFTER, retry_after_s.to_string())
            }
            Error::QuotaExceeded { quota, held } => {
                let left = quota.saturating_sub(held);
                let detail = format!(
                    "Your videos may have {quota} bytes, and {left} are left; delete some first"
                );
                Self::forbidden("quota_exceeded", detail)
            }
            Error::MediaExceeded { quota_ms, .. } => {
                let minutes = quota_ms / 60_000;
                let detail = format!(
                    "Your videos may last {minutes} minutes in all, and none is left; delete some first"
                );
                Self::forbidden("quota_exceeded", detail)
            }
            Error::UploadTooLarge { limit } => {
                let detail = format!("Files of at most {limit} bytes are accepted");
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, "upload_too_large", detail)
                    .with_header(TUS_MAX_SIZE, limit.to_string())
            }
            Error::OverLength { size } => {
                let detail = format!("The upload was created for {size} bytes; more were sent");
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, "upload_over_length", detail)
            }
            Error::OffsetMismatch { offset } => {
                Self::conflict("offset_mismatch", format!("The upload stands at {offset}"))
                    .with_header(UPLOAD_OFFSET, offset.to_string())
            }
            Error::ChecksumMismatch { offset } => {
                let detail = "The body is not what its checksum says; send it again";
                Self::new(checksum_mismatch(), "checksum_mismatch", detail)
                    .with_header(UPLOAD_OFFSET, offset.to_string())
            }
            Error::UploadLocked => {
                let detail = "Another request is writing to this upload";
                Self::new(StatusCode::LOCKED, "upload_locked", detail)
            }
            Error::Interrupted { offset } => {
                let detail = format!("The body broke off; the upload stands at {offset}");
                Self::new(StatusCode::REQUEST_TIMEOUT, "upload_interrupted", detail)
                    .with_header(UPLOAD_OFFSET, offset.to_string())
            }
            Error::Invalid(detail) => Self::invalid_request(detail),
            Error::InvalidValue(detail) => Self::unprocessable("invalid_value", detail),
            Error::NoProfile(error) => {
                let known = error.known.join(", ");
                let detail = format!("There is no profile '{}'; choose one of {known}", error.name);
                Self::unprocessable("unknown_profile", detail)
            }
            Error::Captions(TextError::TooLarge { .. }) => {
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", text)
            }
            Error::Captions(error) => Self::unprocessable("invalid_captions", error.to_string()),
            Error::TooManyCaptions(limit) => {
                let detail = format!("A video has at most {limit} caption files");
                Self::conflict("too_many_captions", detail)
            }
            Error::Full(_) => Self::storage_full(),
            Error::Database(error) if error.is_unavailable() => Self::unavailable(text),
            Error::Store(StoreError::Io { .. } | StoreError::Full { .. })
            | Error::Stopping
            | Error::Bus(_) => Self::unavailable(text),
            Error::Spool { .. } | Error::Store(StoreError::Corrupt { .. }) | Error::Database(_) => {
                Self::internal(text)
            }
        }
    }
}
