//! One body through one reader, as every reader's target asks it.

use cara_document::{BodyFormat, Limits, NameTable};

/// Decodes and reads the bytes. Whatever is read keeps to the limits, every node has a line and a
/// place inside the body, and the body cut down to one child of the root is read again.
pub fn read(bytes: &[u8], format: &BodyFormat) {
    let limits =
        Limits { depth_max: 64, nodes_max: 20_000, attributes_max: 32, text_bytes_max: 1 << 20 };
    let Ok(text) = cara_document::decode(bytes, None) else { return };
    let names = NameTable::default();
    let Ok(tree) = cara_document::parse(&text, format, &names, &limits) else { return };
    assert!(tree.len() <= limits.nodes_max, "more nodes than the limit");
    let lines = text.matches('\n').count() + 1;
    for node in tree.subtree(tree.root()) {
        assert!(tree.line(node) as usize <= lines, "a line beyond the last");
        assert!(tree.span(node).end <= text.len(), "a place beyond the end");
        assert_eq!(tree.text(node), tree.peek(node));
    }
    let children: Vec<_> = tree.children(tree.root()).collect();
    for keep in 0..children.len().min(3) {
        let cut = cara_document::excerpt(&text, format, &tree, &children, keep);
        assert!(
            cara_document::parse(&cut, format, &names, &limits).is_ok(),
            "a cut body cannot be read"
        );
    }
}
