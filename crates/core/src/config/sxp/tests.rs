//! S-expressions as xend read them, and what is said of those that it could not.

use super::*;
use crate::diag::code::xend as code;
use crate::diag::{Code, Diagnostic};
use proptest::prelude::*;

/// The elements in short: words as they are, texts in `'...'`, lists in `(...)`.
fn shape(nodes: &[Node]) -> String {
    let shapes: Vec<String> = nodes
        .iter()
        .map(|node| match node {
            Node::Word(word) if word.span.text().starts_with(['\'', '"']) => {
                format!("'{}'", word.value)
            }
            Node::Word(word) => word.value.clone(),
            Node::List(list) => format!("({})", shape(&list.items)),
        })
        .collect();
    shapes.join(" ")
}

fn parsed(text: &str) -> (String, Vec<&'static Code>, Vec<Diagnostic>) {
    let mut out = Diagnostics::new();
    let nodes = elements(&Source::new("f.sxp", text), &mut out);
    let found: Vec<Diagnostic> = out.iter().cloned().collect();
    (shape(&nodes), found.iter().map(|d| d.code).collect(), found)
}

#[test]
fn reads_what_sxp_py_reads() {
    for (text, read) in [
        ("", ""),
        ("# (a b)\n(c d)", "(c d)"),
        ("(a 'b c' \"d'e\")", "(a 'b c' 'd'e')"),
        ("(a b)#c\n(d)", "(a b) (d)"),
        ("(a b#c)\n)", "(a b)"),
        ("(a '# no comment')", "(a '# no comment')"),
        ("(a it's)", "(a it's)"),
        ("(a '')", "(a '')"),
        ("(a ((b c) (d)))", "(a ((b c) (d)))"),
        ("(a b;c<d>e)", "(a b ;c <d >e)"),
        ("(a 'two\nlines')", "(a 'two\nlines')"),
        ("(a '\\\\.x\\'y')", "(a '\\.x'y')"),
        ("(a\u{b}b\u{c}c\r\n)", "(a b c)"),
        ("(a) \u{4} ) ignored", "(a)"),
        ("(network-script )", "(network-script)"),
        ("word 'text'", "word 'text'"),
    ] {
        assert_eq!(parsed(text), (read.to_owned(), vec![], vec![]), "{text:?}");
    }
}

#[test]
fn faults_are_reported_at_once_and_the_rest_is_read() {
    for (text, read, codes) in [
        ("(a b\n(c d)", "(a b) (c d)", vec![code::OPEN]),
        ("(a (b c)\n# x\n(d)", "(a (b c)) (d)", vec![code::OPEN]),
        ("(a (b (c\n", "(a (b (c)))", vec![code::OPEN]),
        ("(a b)) (c d)", "(a b) (c d)", vec![code::CLOSE]),
        ("(a 'b)\n(c 'd')", "(a 'b)\n(c ' d')", vec![code::QUOTE]),
        ("(a 'b)\n(c d)", "(a 'b') (c d)", vec![code::QUOTE]),
        ("(a \"b\n", "(a 'b')", vec![code::QUOTE, code::OPEN]),
        ("(a 'b\\", "(a 'b' \\)", vec![code::QUOTE, code::OPEN]),
        ("(a \u{fe}\u{fe}x)", "(a x)", vec![code::CHARACTER]),
        (
            "(a \u{fe} \u{fe}x)",
            "(a x)",
            vec![code::CHARACTER, code::CHARACTER],
        ),
        ("\u{feff}(a b)", "(a b)", vec![code::CHARACTER]),
        ("(a 'b\\.c')", "(a 'b\\c')", vec![code::ESCAPE]),
        ("(a '\\x4')", "(a '\u{4}')", vec![code::ESCAPE]),
    ] {
        let (shape, found, _) = parsed(text);
        assert_eq!((shape.as_str(), found), (read, codes), "{text:?}");
    }
}

#[test]
fn what_is_open_is_pointed_at_where_it_was_opened() {
    let (_, _, found) = parsed("(a (b)\n(c)\n(d (e\n");
    let places: Vec<(usize, usize)> = found
        .iter()
        .map(|d| (d.span.line(), d.span.column()))
        .collect();
    assert_eq!(places, [(1, 1), (3, 1)]);
    assert_eq!(found[0].also.as_ref().map(|(span, _)| span.line()), Some(2));
    assert!(
        found[1].message.contains("1 lists in it"),
        "{}",
        found[1].message
    );
    let (_, _, found) = parsed("(a 'b)\n(c 'd')");
    let list = found[0].also.as_ref().map(|(span, _)| span.range());
    assert_eq!(list, Some(7..8));
}

#[test]
fn nesting_is_bounded_and_said_once() {
    let deep = |levels: usize| format!("{}x{}\n(y)", "(".repeat(levels), ")".repeat(levels));
    assert_eq!(parsed(&deep(DEEPEST)).1, Vec::<&Code>::new());
    let (shape, found, _) = parsed(&deep(DEEPEST + 3));
    assert_eq!(found, [code::DEEP]);
    assert!(!shape.contains('x') && shape.ends_with(" (y)"), "{shape}");
}

#[test]
fn a_part_of_a_word_knows_its_place() {
    let mut out = Diagnostics::new();
    let nodes = read("(a 'b cd' 'e\\tf')", "f", &mut out).unwrap();
    let [Node::List(list)] = nodes.as_slice() else {
        panic!("{nodes:?}")
    };
    let [Node::Word(plain), Node::Word(escaped)] = list.values() else {
        panic!("{list:?}")
    };
    assert_eq!(plain.part(2..4).span.text(), "cd");
    assert_eq!(plain.part(2..4).value, "cd");
    assert_eq!(plain.part(9..12).value, "");
    assert_eq!(escaped.part(0..1).value, "e");
    assert_eq!(escaped.part(0..1).span.text(), "'e\\tf'");
}

#[test]
fn attributes_are_no_values() {
    let mut out = Diagnostics::new();
    let nodes = read("(a (@ (id 1)) b)", "f", &mut out).unwrap();
    let [Node::List(list)] = nodes.as_slice() else {
        panic!("{nodes:?}")
    };
    assert_eq!(shape(list.values()), "b");
}

#[test]
fn recognises_a_domain_as_xm_prints_it() {
    for (text, is) in [
        ("(domain\n    (domid 1)\n    (name foo))", true),
        ("\n # saved by xend\n( vm (name foo))", true),
        ("(vm)", true),
        ("(vm'x')", true),
        ("name = 'foo'\nvif = [ '' ]", false),
        ("(1 + 2)", false),
        ("(a = 1)", true),
        ("('a', 'b')", false),
        ("(a, b) = (1, 2)", false),
        ("", false),
        ("# only", false),
    ] {
        assert_eq!(looks_like(text), is, "{text:?}");
    }
}

#[test]
fn a_megabyte_of_anything_is_read_in_linear_time() {
    for piece in [
        "(", ")", "'", "(a ", "\n(", "#", "\\", "'\\", "é ", "(a 'b\n",
    ] {
        let text = piece.repeat((1 << 20) / piece.len());
        let _ = parsed(&text);
    }
}

fn inside(node: &Node, outer: &Span) -> bool {
    let (inner, outer) = (node.span().range(), outer.range());
    outer.start <= inner.start
        && inner.end <= outer.end
        && match node {
            Node::Word(_) => true,
            Node::List(list) => list.items.iter().all(|item| inside(item, &list.span)),
        }
}

proptest! {
    #[test]
    fn fuzz_any_text(text in "[()'\"#\\\\ \n\\w@;\u{4}é-]{0,200}") {
        let mut out = Diagnostics::new();
        let source = Source::new("f", &text);
        let nodes = elements(&source, &mut out);
        for node in &nodes {
            prop_assert!(inside(node, &Span::new(&source, 0..text.len())));
        }
        let mut again = Diagnostics::new();
        prop_assert_eq!(&nodes, &elements(&source, &mut again));
        prop_assert_eq!(&out, &again);
        prop_assert_eq!(read(&text, "f", &mut Diagnostics::new()).is_some(), !out.has_errors());
        let _ = looks_like(&text);
    }
}
