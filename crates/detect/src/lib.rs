//! A deterministic function of rules, state and ordered facts to findings and incidents.
