//! Renders a scan; knows every output format and no data source.
