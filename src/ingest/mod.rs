//! Mail comes in and goes: bytes into the store, as the commits that public-inbox makes of them, and out of it again.
//!
//! An [`Intake`] is where it comes in, whatever way it came; what is above it reads mailboxes, speaks to mail servers,
//! and decides which list a mail is for.

mod checkpoint;
mod commit;
mod companion;
mod delivery;
mod desk;
mod filter;
mod finish;
mod import;
mod intake;
mod known;
mod message_id;
mod normal;
mod recipient;
mod redirects;
mod remove;
mod report;
pub mod source;
mod spam;

pub use commit::{commit_of, removal_of};
pub use delivery::{
    Objection, Precheck, delivery_rules, import_rules, max_size, objection, with_list_id,
};
pub use desk::Desk;
pub use filter::Filter;
pub use finish::{finish_removals, finish_sweep};
pub use import::{ImportOptions, ImportProgress, import};
pub use intake::{Intake, Repair, Rules, Taken};
pub use known::Known;
pub use normal::Unsubscribe;
pub use recipient::{by_address, by_list_id};
pub use redirects::OldArchive;
pub use remove::{Condemned, Edit, Mode, Purge, edit, purge, remove, restore};
pub use report::ImportReport;
pub use spam::{Verdict, check as check_spam};
