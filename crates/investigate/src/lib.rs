//! What an analyst asks, answered from the twin: data first, sentences and pictures are made of it by
//! whoever shows them.

<<<<<<< HEAD
pub mod act;
pub mod answers;
pub mod commands;
=======
pub mod answers;
pub mod commands;
pub mod lookalikes;
pub mod passport;
pub mod reach;
pub mod act;
>>>>>>> 256fbd3495f39c872268364db4864f76475de3cd
pub mod diff;
pub mod lineage;
pub mod lookalikes;
pub mod reach;
pub mod state;
pub mod subject;
pub mod timeline;
