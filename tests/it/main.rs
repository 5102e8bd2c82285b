#[cfg(test)]
mod certs_example;
#[cfg(test)]
mod edge;
