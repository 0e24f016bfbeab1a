//! What changes the catalogue on behalf of an owner. Uploads and captions have folders of their
//! own.

pub(crate) mod create_video;
pub(crate) mod delete_video;
pub(crate) mod retry_video;
pub(crate) mod text;
