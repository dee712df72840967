# Conan 2: conan create .packaging/conan -o "&:curl=True"
import os
import re

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.build import check_min_cppstd
from conan.tools.files import copy, load

required_conan_version = ">=2.0"


class CloudflareAccess(ConanFile):
    name = "cloudflare-access"
    description = "Cloudflare Access service tokens for C++20"
    license = "BSL-1.0"
    url = "https://developers.cloudflare.com/cloudflare-one/identity/service-tokens/"
    topics = ("cloudflare", "service-tokens", "header-only")
    package_type = "header-library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"beast": [True, False], "curl": [True, False], "postgres": [True, False]}
    default_options = {"beast": True, "curl": False, "postgres": False}
    no_copy_source = True

    @property
    def _root(self):
        return os.path.join(self.recipe_folder, "..", "..")

    def set_version(self):
        header = load(self, os.path.join(self._root, "include", "cloudflare", "core", "version.hpp"))
        self.version = re.search(r'version = "(.*)"', header).group(1)

    def export_sources(self):
        for pattern in ("include/*.hpp", "include/*.ipp", "LICENSE"):
            copy(self, pattern, self._root, self.export_sources_folder)

    def requirements(self):
        self.requires("boost/[>=1.81]", transitive_headers=True, transitive_libs=True)
        if self.options.beast:
            self.requires("openssl/[>=3 <4]", transitive_headers=True, transitive_libs=True)
        if self.options.curl:
            self.requires("libcurl/[>=7.85]", transitive_headers=True, transitive_libs=True)
        if self.options.postgres:
            self.requires("libpq/[>=14]", transitive_headers=True, transitive_libs=True)

    def validate(self):
        if self.settings.get_safe("compiler.cppstd"):
            check_min_cppstd(self, 20)
        if self.settings.os == "Windows" and (self.options.curl or self.options.postgres):
            raise ConanInvalidConfiguration("curl and postgres need POSIX")

    def package_id(self):
        self.info.clear()

    def package(self):
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        for pattern in ("*.hpp", "*.ipp"):
            copy(self, pattern, os.path.join(self.source_folder, "include"),
                 os.path.join(self.package_folder, "include"))

    def package_info(self):
        self.cpp_info.bindirs = []
        self.cpp_info.libdirs = []
        self.cpp_info.set_property("cmake_file_name", "cloudflare-access")
        self._component("access", "cloudflare-access", ["boost::headers", "boost::json"])
        if self.options.beast:
            self._component("beast", "cloudflare-access-beast", ["access", "openssl::openssl"])
        if self.options.curl:
            self._component("curl", "cloudflare-access-curl", ["access", "libcurl::libcurl"])
        if self.options.postgres:
            self._component("postgres", "cloudflare-access-postgres", ["access", "libpq::libpq"])

    def _component(self, name, pkg_config_name, requires):
        component = self.cpp_info.components[name]
        component.set_property("cmake_target_name", "cloudflare::" + name)
        component.set_property("pkg_config_name", pkg_config_name)
        component.bindirs = []
        component.libdirs = []
        component.requires = requires
        if self.settings.os in ("Linux", "FreeBSD"):
            component.system_libs = ["pthread"]
