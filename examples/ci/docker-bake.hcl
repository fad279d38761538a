# REGISTRY and TAG name the images. CACHE is a repository for the cache, and none is used
# without one; it is only written to with CACHE_WRITE=1.
variable "REGISTRY" {
  default = "docker.io/example"
}

variable "TAG" {
  default = "dev"
}

variable "CACHE" {
  default = ""
}

variable "CACHE_WRITE" {
  default = false
}

function "cache_from" {
  params = [name]
  result = CACHE == "" ? [] : ["type=registry,ref=${CACHE}:${name}"]
}

# mode=max keeps the steps whose files are not in the image, such as those of pip.
function "cache_to" {
  params = [name]
  result = CACHE == "" || !CACHE_WRITE ? [] : ["type=registry,ref=${CACHE}:${name},mode=max"]
}

group "default" {
  targets = ["web", "report"]
}

target "web" {
  tags       = ["${REGISTRY}/web:${TAG}"]
  cache-from = cache_from("web")
  cache-to   = cache_to("web")
}

target "report" {
  dockerfile = "report.yaml"
  tags       = ["${REGISTRY}/report:${TAG}"]
  cache-from = cache_from("report")
  cache-to   = cache_to("report")
}

target "test" {
  dockerfile = "test.Dockerfile"
  contexts   = { web = "target:web" }
  output     = ["type=cacheonly"]
}
