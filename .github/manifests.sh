#!/usr/bin/env bash
# Writes what package managers read about a release, from its checksums: .github/manifests.sh VERSION OWNER/NAME SHA256SUMS FOLDER
#
# Makes FOLDER/winget (three manifests, as microsoft/winget-pkgs takes them), FOLDER/scoop/passwave.json (for a bucket) and
# FOLDER/homebrew/passwave.rb (for a tap). The archives' layout is that of .github/dist.sh. If a checksum is missing, it makes nothing.
set -euo pipefail

version=${1:?which version} repository=${2:?which repository, as OWNER/NAME} sums=${3:?which checksums} folder=${4:?into which folder}
home=https://github.com/$repository
license='MIT OR Apache-2.0'
summary='Bulk password resets for Microsoft Entra ID'

# The archive of a target, and its checksum.
archive() { echo "passwave-v$version-$1"; }
url() { echo "$home/releases/download/v$version/$(archive "$1")"; }
sum() {
    local found
    found=$(awk -v archive="$(archive "$1")" '{ name = $2; sub(/^[*]?(\.\/)?/, "", name) } name == archive { print $1 }' "$sums")
    [[ $found =~ ^[0-9a-f]{64}$ ]] || { echo "$sums has no checksum of $(archive "$1")" >&2 && exit 1; }
    echo "$found"
}

windows=x86_64-pc-windows-msvc mac=universal-apple-darwin intel=x86_64-unknown-linux-musl arm=aarch64-unknown-linux-musl
windows_sum=$(sum $windows.zip)
mac_sum=$(sum $mac.tar.gz)
intel_sum=$(sum $intel.tar.gz)
arm_sum=$(sum $arm.tar.gz)
mkdir -p "$folder"/{winget,scoop,homebrew}

id=${repository%%/*}.passwave
# The first lines of each manifest of winget, and its last.
winget() {
    local kind=$1
    echo "# yaml-language-server: \$schema=https://aka.ms/winget-manifest.$kind.1.10.0.schema.json"
    printf 'PackageIdentifier: %s\nPackageVersion: "%s"\n' "$id" "$version"
    cat
    printf 'ManifestType: %s\nManifestVersion: 1.10.0\n' "$kind"
}

winget version >"$folder/winget/$id.yaml" <<END
DefaultLocale: en-US
END

winget installer >"$folder/winget/$id.installer.yaml" <<END
Platform: [Windows.Desktop]
MinimumOSVersion: 10.0.0.0
InstallerType: zip
NestedInstallerType: portable
NestedInstallerFiles:
  - RelativeFilePath: $(archive $windows)\\passwave.exe
    PortableCommandAlias: passwave
Commands: [passwave]
UpgradeBehavior: install
Installers:
  - Architecture: x64
    InstallerUrl: $(url $windows.zip)
    InstallerSha256: $(tr a-f A-F <<<"$windows_sum")
END

winget defaultLocale >"$folder/winget/$id.locale.en-US.yaml" <<END
PackageLocale: en-US
Publisher: the passwave contributors
PublisherUrl: $home
PublisherSupportUrl: $home/issues
PackageName: passwave
PackageUrl: $home
License: $license
LicenseUrl: $home/blob/v$version/README.md
ShortDescription: $summary
Description: |-
  Gives every account of a roster a new password in Microsoft Entra ID, through throttled Microsoft Graph calls, and always knows which
  password each account may currently have. If it is interrupted, the same command continues.
Moniker: passwave
Tags: [entra, graph, password, admin, bulk]
ReleaseNotesUrl: $home/releases/tag/v$version
END

jq -n --arg version "$version" --arg home "$home" --arg summary "$summary" --arg url "$(url $windows.zip)" --arg hash "$windows_sum" \
    --arg folder "$(archive $windows)" '{
    $version,
    description: $summary,
    homepage: $home,
    license: "MIT|Apache-2.0",
    architecture: { "64bit": { $url, $hash, extract_dir: $folder } },
    bin: "passwave.exe",
    checkver: { github: $home },
    autoupdate: {
        architecture: {
            "64bit": {
                url: ($url | split($version) | join("$version")),
                extract_dir: ($folder | split($version) | join("$version"))
            }
        },
        hash: { url: "$baseurl/SHA256SUMS" }
    }
}' >"$folder/scoop/passwave.json"

cat >"$folder/homebrew/passwave.rb" <<END
class Passwave < Formula
  desc "$summary"
  homepage "$home"
  version "$version"
  license any_of: ["MIT", "Apache-2.0"]

  on_macos do
    url "$(url $mac.tar.gz)"
    sha256 "$mac_sum"
  end

  on_linux do
    on_intel do
      url "$(url $intel.tar.gz)"
      sha256 "$intel_sum"
    end
    on_arm do
      url "$(url $arm.tar.gz)"
      sha256 "$arm_sum"
    end
  end

  def install
    bin.install "passwave"
    man1.install Dir["man/*.1"]
    bash_completion.install "completions/passwave.bash" => "passwave"
    zsh_completion.install "completions/passwave.zsh" => "_passwave"
    fish_completion.install "completions/passwave.fish"
    pkgshare.install "examples"
  end

  test do
    (testpath/"wave.csv").write "UPN\nann@example.com\n"
    system bin/"passwave", "rehearse", "wave.csv", "--run-dir", "run"
    assert_path_exists testpath/"run/report.csv"
  end
end
END
