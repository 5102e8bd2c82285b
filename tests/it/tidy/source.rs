//! Reads Rust source: which paths it names, which names it gives, how it is marked.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};

/// One file that a package is built from, tests left out.
pub struct Source {
    pub file: PathBuf,
    /// `["http", "gate"]` for `src/http/gate.rs`; empty for `lib.rs` and `main.rs`.
    pub module: Vec<String>,
    pub facts: Facts,
}

/// What the code of one file says.
#[derive(Default)]
pub struct Facts {
    /// Every path, resolved as far as a file alone can: `crate::store::Receipt`.
    pub paths: Vec<(Vec<String>, usize)>,
    /// Types, traits and modules.
    pub names: Vec<(String, usize)>,
    /// Functions with the modules and the type they are in, below the file's own module.
    pub functions: Vec<Vec<String>>,
    /// Paths as they are written, below the module (of this file or inside it) that names them.
    pub written: Vec<Written>,
    /// What each `use` brings into a module: the module, the name, the path as it is written.
    pub imports: Vec<(Vec<String>, String, Vec<String>)>,
    /// Types and traits that can be named outside their module.
    pub public_types: Vec<(String, usize)>,
    /// Functions by name, with the lines of `fn` and of the closing brace.
    pub lengths: Vec<(String, usize, usize)>,
    /// `allow` attributes, and `expect` ones without a reason.
    pub unexplained: Vec<usize>,
    /// Modules whose text is another file.
    outlined: Vec<String>,
}

/// A path in the code of a module.
pub struct Written {
    pub module: Vec<String>,
    pub path: Vec<String>,
    pub line: usize,
}

/// The files reached from a root file by `mod`, without those for tests only.
pub fn package(root: &Path) -> Vec<Source> {
    let mut found = Vec::new();
    let folder = root.parent().expect("a root file lies in a folder");
    follow(root, folder, Vec::new(), &mut found);
    found
}

fn follow(file: &Path, children: &Path, module: Vec<String>, found: &mut Vec<Source>) {
    let text = std::fs::read_to_string(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    let facts = read(&text, &module).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    let outlined = facts.outlined.clone();
    found.push(Source { file: file.to_owned(), module: module.clone(), facts });
    for name in outlined {
        let flat = children.join(format!("{name}.rs"));
        let nested = children.join(&name);
        let file = if flat.exists() { flat } else { nested.join("mod.rs") };
        let module = module.iter().cloned().chain([name]).collect();
        follow(&file, &nested, module, found);
    }
}

/// The facts of one file's text. `module` is where it stands in its package.
pub fn read(text: &str, module: &[String]) -> syn::Result<Facts> {
    let file = syn::parse_file(text)?;
    let mut reader = Reader {
        module: module.to_vec(),
        inside: Vec::new(),
        local: BTreeSet::new(),
        facts: Facts::default(),
    };
    reader.local_names(&file);
    reader.visit_file(&file);
    Ok(reader.facts)
}

struct Reader {
    module: Vec<String>,
    /// Inline modules and types around what is being read.
    inside: Vec<String>,
    /// Names that mean something of this package, although a library may have the same name.
    local: BTreeSet<String>,
    facts: Facts,
}

impl Reader {
    /// `mod config;` or `use crate::config;` makes `config::X` ours and not the library's.
    fn local_names(&mut self, file: &syn::File) {
        for item in &file.items {
            match item {
                syn::Item::Mod(item) => {
                    self.local.insert(item.ident.to_string());
                }
                syn::Item::Use(item) if item.leading_colon.is_none() => {
                    for (path, name) in flatten(&item.tree) {
                        if matches!(path[0].as_str(), "crate" | "super" | "self") {
                            self.local.insert(name);
                        }
                    }
                }
                _ => {}
            }
        }
    }

    fn add(&mut self, path: Vec<String>, line: usize) {
        let Some(first) = path.first() else { return };
        let written = Written { module: self.module.clone(), path: path.clone(), line };
        self.facts.written.push(written);
        if self.local.contains(first) {
            return;
        }
        let resolved = match first.as_str() {
            "super" | "self" => {
                let mut base = self.module.clone();
                let mut rest = path.as_slice();
                while let Some((step, tail)) = rest.split_first() {
                    match step.as_str() {
                        "self" => {}
                        "super" => {
                            base.pop();
                        }
                        _ => break,
                    }
                    rest = tail;
                }
                ["crate".to_owned()].into_iter().chain(base).chain(rest.iter().cloned()).collect()
            }
            _ => path,
        };
        self.facts.paths.push((resolved, line));
    }

    /// Paths inside a macro's or attribute's tokens, which are no syntax yet.
    fn scan(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        let mut line = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.add_scanned(std::mem::take(&mut path), line);
                    }
                    line = ident.span().start().line;
                    path.push(ident.to_string());
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                other => {
                    self.add_scanned(std::mem::take(&mut path), line);
                    colons = 0;
                    if let TokenTree::Group(group) = other {
                        self.scan(group.stream());
                    }
                }
            }
        }
        self.add_scanned(path, line);
    }

    fn add_scanned(&mut self, path: Vec<String>, line: usize) {
        if path.len() > 1 {
            self.add(path, line);
        }
    }

    fn named(&mut self, name: &syn::Ident) {
        self.facts.names.push((name.to_string(), name.span().start().line));
    }

    fn public_type(&mut self, name: &syn::Ident, reach: &syn::Visibility) {
        self.named(name);
        let is_own = match reach {
            syn::Visibility::Inherited => true,
            syn::Visibility::Restricted(reach) => reach.path.is_ident("self"),
            syn::Visibility::Public(_) => false,
        };
        if !is_own {
            self.facts.public_types.push((name.to_string(), name.span().start().line));
        }
    }

    fn function(&mut self, signature: &syn::Signature, block: Option<&syn::Block>) {
        let name = &signature.ident;
        if let Some(block) = block {
            let first = signature.fn_token.span.start().line;
            let last = block.brace_token.span.close().end().line;
            self.facts.lengths.push((name.to_string(), first, last));
        }
        let path = self.inside.iter().cloned().chain([name.to_string()]).collect();
        self.facts.functions.push(path);
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if !attributes(item).iter().any(is_test_only) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.named(&item.ident);
        if item.content.is_none() {
            self.facts.outlined.push(item.ident.to_string());
        }
        self.inside.push(item.ident.to_string());
        self.module.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.module.pop();
        self.inside.pop();
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let line = item.use_token.span.start().line;
        for (path, name) in flatten(&item.tree) {
            self.facts.imports.push((self.module.clone(), name, path.clone()));
            // A `use` names its own target even when it makes the name local.
            let local = std::mem::take(&mut self.local);
            self.add(path, line);
            self.local = local;
        }
        visit::visit_item_use(self, item);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let line = path.segments.first().map_or(0, |first| first.ident.span().start().line);
        let names: Vec<_> = path.segments.iter().map(|s| s.ident.to_string()).collect();
        // One segment alone is a variable or a type of this file.
        if names.len() > 1 {
            self.add(names, line);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        self.scan(item.tokens.clone());
        visit::visit_macro(self, item);
    }

    fn visit_meta_list(&mut self, list: &'ast syn::MetaList) {
        self.scan(list.tokens.clone());
        visit::visit_meta_list(self, list);
    }

    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        let line = attribute.pound_token.span.start().line;
        let explained = matches!(&attribute.meta, syn::Meta::List(list)
            if list.tokens.to_string().contains("reason ="));
        if attribute.path().is_ident("allow") || (attribute.path().is_ident("expect") && !explained)
        {
            self.facts.unexplained.push(line);
        }
        visit::visit_attribute(self, attribute);
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        self.public_type(&item.ident, &item.vis);
        visit::visit_item_struct(self, item);
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        self.public_type(&item.ident, &item.vis);
        visit::visit_item_enum(self, item);
    }

    fn visit_item_type(&mut self, item: &'ast syn::ItemType) {
        self.public_type(&item.ident, &item.vis);
        visit::visit_item_type(self, item);
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        self.public_type(&item.ident, &item.vis);
        self.inside.push(item.ident.to_string());
        visit::visit_item_trait(self, item);
        self.inside.pop();
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let name = match &*item.self_ty {
            syn::Type::Path(path) => path.path.segments.last().map(|last| last.ident.to_string()),
            _ => None,
        };
        self.inside.push(name.unwrap_or_default());
        visit::visit_item_impl(self, item);
        self.inside.pop();
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.function(&item.sig, Some(&item.block));
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if !item.attrs.iter().any(is_test_only) {
            self.function(&item.sig, Some(&item.block));
            visit::visit_impl_item_fn(self, item);
        }
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        self.function(&item.sig, item.default.as_ref());
        visit::visit_trait_item_fn(self, item);
    }
}

fn is_test_only(attribute: &syn::Attribute) -> bool {
    attribute.path().is_ident("cfg")
        && matches!(&attribute.meta, syn::Meta::List(list) if list.tokens.to_string() == "test")
}

fn attributes(item: &syn::Item) -> &[syn::Attribute] {
    match item {
        syn::Item::Const(item) => &item.attrs,
        syn::Item::Enum(item) => &item.attrs,
        syn::Item::Fn(item) => &item.attrs,
        syn::Item::Impl(item) => &item.attrs,
        syn::Item::Macro(item) => &item.attrs,
        syn::Item::Mod(item) => &item.attrs,
        syn::Item::Static(item) => &item.attrs,
        syn::Item::Struct(item) => &item.attrs,
        syn::Item::Trait(item) => &item.attrs,
        syn::Item::Type(item) => &item.attrs,
        syn::Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// Each path of a `use`, with the name that it brings into the file.
fn flatten(tree: &syn::UseTree) -> Vec<(Vec<String>, String)> {
    let mut found = Vec::new();
    branch(tree, &mut Vec::new(), &mut found);
    found
}

fn branch(tree: &syn::UseTree, stem: &mut Vec<String>, found: &mut Vec<(Vec<String>, String)>) {
    let mut leaf = |last: String, name: String| {
        let mut path = stem.clone();
        // `use a::b::{self}` brings in `b`.
        if last != "self" || path.is_empty() {
            path.push(last);
        }
        let name = if name == "self" { stem.last().cloned().unwrap_or(name) } else { name };
        found.push((path, name));
    };
    match tree {
        syn::UseTree::Name(leaf_name) => {
            leaf(leaf_name.ident.to_string(), leaf_name.ident.to_string());
        }
        syn::UseTree::Rename(rename) => leaf(rename.ident.to_string(), rename.rename.to_string()),
        syn::UseTree::Glob(_) => leaf("*".to_owned(), "*".to_owned()),
        syn::UseTree::Path(path) => {
            stem.push(path.ident.to_string());
            branch(&path.tree, stem, found);
            stem.pop();
        }
        syn::UseTree::Group(group) => {
            for tree in &group.items {
                branch(tree, stem, found);
            }
        }
    }
}
