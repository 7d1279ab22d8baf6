# ./dev package: the release build as a Debian package, with the service, in build/package (packaging/).

package_verb() {
  setup_build
  build_preset release adweave
  packaging/deb.sh build/release build/package
}
