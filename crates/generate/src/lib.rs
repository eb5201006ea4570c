//! Invented clusters that write true audit logs: the same seed gives the same bytes.
