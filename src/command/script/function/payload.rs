//! Libraries as FUNCTION DUMP gives them and FUNCTION RESTORE takes them: records of a snapshot, with the footer that DUMP gives to values.

use super::super::super::error::{self, Error};
use crate::keyspace::libraries::Source;
use crate::storage::rdb;

/// The sources in one payload.
pub fn dump(sources: &[Source]) -> Vec<u8> {
    rdb::dump_libraries(sources.iter().map(|source| &**source))
}

/// The sources that a payload holds.
pub fn load(payload: &[u8]) -> Result<Vec<Source>, Error> {
    match rdb::load_libraries(payload) {
        Ok(sources) => Ok(sources.into_iter().map(Into::into).collect()),
        Err(rdb::NoLibraries::Footer) => Err(error::BAD_FUNCTION_PAYLOAD),
        Err(rdb::NoLibraries::Content) => Err(error::BAD_FUNCTION_CONTENT),
    }
}
