//! What two programs of the workspace would otherwise write twice, and no story of its own.

pub mod ask;
pub mod asleep;
pub mod claim;
pub mod client;
pub mod conversation;
pub mod cube_root;
pub mod duration;
pub mod endpoint;
pub mod folder;
pub mod framing;
pub mod load;
pub mod manual;
pub mod namespace;
pub mod network;
mod outbox;
pub mod pidfd;
pub mod ping_pong;
pub mod reactor;
pub mod readiness;
pub mod report;
pub mod serve;
pub mod shutdown;
