//! Reads Arrow IPC bytes message by message. The lengths in a message are validated before they are used. Some files,
//! such as the files that Arrow's JavaScript library writes, contain the schema only in the footer. In such a file, the
//! messages are found through the footer.

use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow::buffer::Buffer;
use arrow::datatypes::SchemaRef;
use arrow::ipc::convert::fb_to_schema;
use arrow::ipc::reader::{FileDecoder, StreamDecoder};
use arrow::ipc::{Block, MessageHeader, root_as_footer, root_as_message};
use arrow::record_batch::RecordBatch;

use crate::error::{Error, ErrorKind, Result};
use crate::input::arrow::too_many_cells;
use crate::input::table::Table;

/// The bytes at the start of an IPC file. After these bytes, the file contains the same messages as an IPC stream.
const MAGIC: &[u8] = b"ARROW1\0\0";
const MOST_PADDING: usize = 64;
const CONTINUATION: [u8; 4] = [0xff; 4];
const END: [u8; 8] = [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0];

impl Table {
    /// Reads an Arrow IPC file or stream from memory.
    ///
    /// # Errors
    /// `unreadable_table` if the bytes are not an Arrow IPC file or stream.
    pub fn from_ipc(bytes: &[u8]) -> Result<Self> {
        let mut reader = Self::ipc_batches(bytes);
        let mut batches = vec![];
        loop {
            match reader.batch() {
                Ok(Some(batch)) => batches.push(batch),
                Ok(None) => break,
                Err(_) if reader.schema().is_none() && bytes.starts_with(MAGIC) => return from_footer(bytes),
                Err(error) => return Err(error),
            }
        }
        match (batches.as_slice(), reader.schema()) {
            ([], Some(schema)) => without_rows(schema),
            (batches, _) => Self::from_record_batches(batches),
        }
    }

    /// Reads an Arrow IPC file or stream batch by batch. The batches can be added by
    /// [`RecordsBuilder::push`](crate::RecordsBuilder::push).
    ///
    /// ```no_run
    /// use churn_core::{Table, TenantRecords};
    ///
    /// # let customers = Table::new();
    /// let file = std::io::BufReader::new(std::fs::File::open("payments.arrow")?);
    /// let builder = TenantRecords::builder("acme").customers(customers).payments_batches(Table::ipc_batches(file))?;
    /// # Ok::<(), churn_core::Error>(())
    /// ```
    pub fn ipc_batches<R: Read>(reader: R) -> IpcBatches<R> {
        IpcBatches {
            reader,
            decoder: StreamDecoder::new(),
            rest: Buffer::default(),
            begun: false,
            done: false,
            given: false,
        }
    }
}

/// An iterator over the batches of an Arrow IPC file or stream. It is returned by [`Table::ipc_batches`].
pub struct IpcBatches<R> {
    reader: R,
    decoder: StreamDecoder,
    /// The bytes that have been read but not decoded yet.
    rest: Buffer,
    begun: bool,
    done: bool,
    /// Whether the iterator has already returned a batch.
    given: bool,
}

impl<R> std::fmt::Debug for IpcBatches<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IpcBatches")
            .field("done", &self.done)
            .finish_non_exhaustive()
    }
}

impl<R: Read> Iterator for IpcBatches<R> {
    type Item = Result<Table>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let batch = match self.batch() {
            Ok(Some(batch)) => Table::from_record_batch(&batch),
            // If there are no batches, one table without rows is returned, because the schema still defines its
            // columns.
            Ok(None) if self.given => return None,
            Ok(None) => without_rows(self.schema()?),
            Err(error) => Err(error),
        };
        self.given = true;
        self.done |= batch.is_err();
        Some(batch)
    }
}

impl<R: Read> IpcBatches<R> {
    fn schema(&self) -> Option<SchemaRef> {
        self.decoder.schema()
    }

    /// Reads the next batch.
    fn batch(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if let Some(batch) = self.decode()? {
                return Ok(Some(batch));
            }
            if self.done {
                return Ok(None);
            }
            self.rest = match self.message()? {
                Some(message) => message,
                None => {
                    self.done = true;
                    // The decoder processes the schema only when another message follows. The end marker serves as this
                    // message.
                    Buffer::from(END.to_vec())
                }
            };
        }
    }

    fn decode(&mut self) -> Result<Option<RecordBatch>> {
        // Only the lengths were validated before. The decoder also trusts the other parts of the message and can panic
        // if they are invalid.
        let decoded = catch_unwind(AssertUnwindSafe(|| self.decoder.decode(&mut self.rest)));
        match decoded {
            Ok(Ok(batch)) => Ok(batch),
            Ok(Err(e)) => Err(broken(&e.to_string()).caused_by(e)),
            Err(_) => Err(broken("the parts of a message are inconsistent")),
        }
    }

    /// Reads the next message and its body. Returns `None` at the end of the input.
    fn message(&mut self) -> Result<Option<Buffer>> {
        let mut bytes = self.read(4)?;
        if !std::mem::replace(&mut self.begun, true) && bytes[..] == MAGIC[..bytes.len().min(4)] && bytes.len() == 4 {
            let rest = self.read(4)?;
            if rest[..] != MAGIC[4..] {
                return Err(broken("it begins like a file but is not one"));
            }
            bytes = self.read(4)?;
            // Some writers add zero bytes before the first message to align this message.
            for _ in 2..MOST_PADDING / 4 {
                if bytes == [0; 4] {
                    bytes = self.read(4)?;
                }
            }
        }
        if bytes == CONTINUATION {
            bytes = self.read(4)?;
        }
        let length = match <[u8; 4]>::try_from(bytes.as_slice()) {
            Ok(length) => u32::from_le_bytes(length),
            Err(_) if bytes.is_empty() => return Ok(None),
            Err(_) => return Err(broken("it ends in the middle of a message")),
        };
        if length == 0 {
            return Ok(None);
        }
        // The decoder needs the whole message in one buffer, preceded by the continuation marker and the length.
        let mut whole = CONTINUATION.to_vec();
        whole.extend_from_slice(&length.to_le_bytes());
        let begin = whole.len();
        self.read_onto(&mut whole, u64::from(length))?;
        let head = &whole[begin..];
        let message = root_as_message(head).map_err(|e| broken(&e.to_string()))?;
        let body_length = u64::try_from(message.bodyLength()).map_err(|_| broken("a body has a negative length"))?;
        let end = begin + head.len();
        self.read_onto(&mut whole, body_length)?;
        let (head, body) = (&whole[begin..end], &whole[end..]);
        if (head.len() as u64, body.len() as u64) != (u64::from(length), body_length) {
            return Err(broken("it ends in the middle of a message"));
        }
        check(head, body.len())?;
        Ok(Some(Buffer::from(whole)))
    }

    fn read(&mut self, length: u64) -> Result<Vec<u8>> {
        let mut bytes = vec![];
        self.read_onto(&mut bytes, length)?;
        Ok(bytes)
    }

    /// Reads `length` bytes, or fewer if the input ends earlier. Memory is allocated only for bytes that exist, even if
    /// `length` is larger than the input.
    fn read_onto(&mut self, bytes: &mut Vec<u8>, length: u64) -> Result<()> {
        self.reader.by_ref().take(length).read_to_end(bytes)?;
        Ok(())
    }
}

/// Creates a table without rows from a schema. Arrow panics on invalid types, such as an empty union. This function
/// returns an error instead.
fn without_rows(schema: SchemaRef) -> Result<Table> {
    let empty = catch_unwind(AssertUnwindSafe(|| RecordBatch::new_empty(schema)));
    Table::from_record_batch(&empty.map_err(|_| broken("its schema has an invalid type"))?)
}

/// Reads the batches that are listed in the footer of a file.
fn from_footer(bytes: &[u8]) -> Result<Table> {
    const TAIL: usize = 10;
    let outside = || broken("its footer points outside of it");
    let tail = bytes.len().checked_sub(TAIL).ok_or_else(outside)?;
    let mut length = [0; 4];
    length.copy_from_slice(&bytes[tail..tail + 4]);
    let begin = usize::try_from(i32::from_le_bytes(length))
        .ok()
        .and_then(|length| tail.checked_sub(length));
    let footer = root_as_footer(&bytes[begin.ok_or_else(outside)?..tail]).map_err(|e| broken(&e.to_string()))?;
    let schema = footer.schema().ok_or_else(|| broken("it has no schema"))?;
    // Only the lengths were validated before. The decoder also trusts the other parts of the file and can panic if they
    // are invalid.
    let read = catch_unwind(AssertUnwindSafe(|| {
        let schema = SchemaRef::new(fb_to_schema(schema));
        let mut decoder = FileDecoder::new(schema.clone(), footer.version());
        for block in footer.dictionaries().into_iter().flatten() {
            let message = message_at(bytes, block)?;
            decoder
                .read_dictionary(block, &message)
                .map_err(|e| broken(&e.to_string()).caused_by(e))?;
        }
        let mut batches = vec![];
        for block in footer.recordBatches().into_iter().flatten() {
            let message = message_at(bytes, block)?;
            let batch = decoder
                .read_record_batch(block, &message)
                .map_err(|e| broken(&e.to_string()).caused_by(e))?;
            batches.extend(batch);
        }
        match batches.as_slice() {
            [] => without_rows(schema),
            batches => Table::from_record_batches(batches),
        }
    }));
    read.unwrap_or_else(|_| Err(broken("its parts are inconsistent")))
}

/// Returns a message that is listed in the footer, with the body of the message. Returns an error if the message does
/// not lie within the file, or if its lengths are inconsistent.
fn message_at(bytes: &[u8], block: &Block) -> Result<Buffer> {
    let part = |offset: i64, length: i64| {
        let offset = usize::try_from(offset).ok()?;
        bytes.get(offset..offset.checked_add(usize::try_from(length).ok()?)?)
    };
    let head_length = i64::from(block.metaDataLength());
    let head = part(block.offset(), head_length);
    let body = block
        .offset()
        .checked_add(head_length)
        .and_then(|offset| part(offset, block.bodyLength()));
    let (Some(head), Some(body)) = (head, body) else {
        return Err(broken("its footer points outside of it"));
    };
    // A message begins with a continuation marker, which is followed by the length. In old files, the marker is
    // missing.
    let prefix = if head.starts_with(&CONTINUATION) { 8 } else { 4 };
    check(head.get(prefix..).unwrap_or_default(), body.len())?;
    Ok(Buffer::from([head, body].concat()))
}

/// Checks that the lengths in a message are consistent with the size of its body.
fn check(head: &[u8], body: usize) -> Result<()> {
    let message = root_as_message(head).map_err(|e| broken(&e.to_string()))?;
    let batch = match message.header_type() {
        MessageHeader::RecordBatch => message.header_as_record_batch(),
        MessageHeader::DictionaryBatch => message.header_as_dictionary_batch().and_then(|batch| batch.data()),
        _ => return Ok(()),
    };
    let batch = batch.ok_or_else(|| broken("a batch is missing in its message"))?;
    let bits = body as i64 * 8;
    // Every row needs at least one bit, so a batch cannot have more rows than its body has bits.
    if batch.length() < 0 || batch.length() > bits {
        return Err(broken("a batch claims more rows than fit into its bytes"));
    }
    let columns = batch.nodes().map_or(0, |nodes| nodes.len() as i64);
    if too_many_cells(batch.length(), columns, head.len() + body) {
        return Err(broken("a batch has more columns than fit into its bytes"));
    }
    let outside = |offset: i64, length: i64| {
        offset < 0 || length < 0 || offset.checked_add(length).is_none_or(|end| end > body as i64)
    };
    if batch
        .buffers()
        .into_iter()
        .flatten()
        .any(|buffer| outside(buffer.offset(), buffer.length()))
    {
        return Err(broken("a buffer lies outside its message"));
    }
    let wrong = |length: i64, nulls: i64| length < 0 || nulls < 0 || nulls > length;
    if batch
        .nodes()
        .into_iter()
        .flatten()
        .any(|node| wrong(node.length(), node.null_count()))
    {
        return Err(broken("a column has an invalid length"));
    }
    Ok(())
}

fn broken(why: &str) -> Error {
    Error::new(
        ErrorKind::UnreadableTable,
        format!("the table is not an Arrow IPC file or stream: {why}"),
    )
}
