//! One file per page: its question to the archive, its view, its answer. Pages do not know each other.

pub(super) mod attachment;
pub(super) mod copies;
pub(super) mod description;
pub(super) mod feed;
pub(super) mod find;
pub(super) mod git;
pub(super) mod gone;
pub(super) mod listing;
pub(super) mod manifest;
pub(super) mod mbox;
pub(super) mod message;
pub(super) mod missing;
pub(super) mod new;
pub(super) mod raw;
pub(super) mod refusal;
pub(super) mod search;
pub(super) mod sheet;
pub(super) mod text;
pub(super) mod thread;
pub(super) mod topic_list;
pub(super) mod topics;
