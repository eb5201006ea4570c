//! Rule languages compiled to one predicate tree with an index.
