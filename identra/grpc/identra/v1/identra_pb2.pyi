from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Token(_message.Message):
    __slots__ = ("token", "expires_at")
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    token: str
    expires_at: int
    def __init__(self, token: _Optional[str] = ..., expires_at: _Optional[int] = ...) -> None: ...

class TokenPair(_message.Message):
    __slots__ = ("access_token", "refresh_token", "token_type")
    ACCESS_TOKEN_FIELD_NUMBER: _ClassVar[int]
    REFRESH_TOKEN_FIELD_NUMBER: _ClassVar[int]
    TOKEN_TYPE_FIELD_NUMBER: _ClassVar[int]
    access_token: Token
    refresh_token: Token
    token_type: str
    def __init__(self, access_token: _Optional[_Union[Token, _Mapping]] = ..., refresh_token: _Optional[_Union[Token, _Mapping]] = ..., token_type: _Optional[str] = ...) -> None: ...

class JSONWebKey(_message.Message):
    __slots__ = ("kty", "alg", "use", "kid", "n", "e", "crv", "x", "y")
    KTY_FIELD_NUMBER: _ClassVar[int]
    ALG_FIELD_NUMBER: _ClassVar[int]
    USE_FIELD_NUMBER: _ClassVar[int]
    KID_FIELD_NUMBER: _ClassVar[int]
    N_FIELD_NUMBER: _ClassVar[int]
    E_FIELD_NUMBER: _ClassVar[int]
    CRV_FIELD_NUMBER: _ClassVar[int]
    X_FIELD_NUMBER: _ClassVar[int]
    Y_FIELD_NUMBER: _ClassVar[int]
    kty: str
    alg: str
    use: str
    kid: str
    n: str
    e: str
    crv: str
    x: str
    y: str
    def __init__(self, kty: _Optional[str] = ..., alg: _Optional[str] = ..., use: _Optional[str] = ..., kid: _Optional[str] = ..., n: _Optional[str] = ..., e: _Optional[str] = ..., crv: _Optional[str] = ..., x: _Optional[str] = ..., y: _Optional[str] = ...) -> None: ...

class GetJWKSRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetJWKSResponse(_message.Message):
    __slots__ = ("keys",)
    KEYS_FIELD_NUMBER: _ClassVar[int]
    keys: _containers.RepeatedCompositeFieldContainer[JSONWebKey]
    def __init__(self, keys: _Optional[_Iterable[_Union[JSONWebKey, _Mapping]]] = ...) -> None: ...

class GetOAuthAuthorizationURLRequest(_message.Message):
    __slots__ = ("provider", "redirect_url", "code_challenge", "code_challenge_method")
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    REDIRECT_URL_FIELD_NUMBER: _ClassVar[int]
    CODE_CHALLENGE_FIELD_NUMBER: _ClassVar[int]
    CODE_CHALLENGE_METHOD_FIELD_NUMBER: _ClassVar[int]
    provider: str
    redirect_url: str
    code_challenge: str
    code_challenge_method: str
    def __init__(self, provider: _Optional[str] = ..., redirect_url: _Optional[str] = ..., code_challenge: _Optional[str] = ..., code_challenge_method: _Optional[str] = ...) -> None: ...

class GetOAuthAuthorizationURLResponse(_message.Message):
    __slots__ = ("url", "state")
    URL_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    url: str
    state: str
    def __init__(self, url: _Optional[str] = ..., state: _Optional[str] = ...) -> None: ...

class LoginByOAuthRequest(_message.Message):
    __slots__ = ("code", "state", "code_verifier", "iss")
    CODE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CODE_VERIFIER_FIELD_NUMBER: _ClassVar[int]
    ISS_FIELD_NUMBER: _ClassVar[int]
    code: str
    state: str
    code_verifier: str
    iss: str
    def __init__(self, code: _Optional[str] = ..., state: _Optional[str] = ..., code_verifier: _Optional[str] = ..., iss: _Optional[str] = ...) -> None: ...

class LoginByOAuthResponse(_message.Message):
    __slots__ = ("token", "username", "avatar_url", "email")
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    AVATAR_URL_FIELD_NUMBER: _ClassVar[int]
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    token: TokenPair
    username: str
    avatar_url: str
    email: str
    def __init__(self, token: _Optional[_Union[TokenPair, _Mapping]] = ..., username: _Optional[str] = ..., avatar_url: _Optional[str] = ..., email: _Optional[str] = ...) -> None: ...

class BindUserByOAuthRequest(_message.Message):
    __slots__ = ("access_token", "code", "state", "code_verifier", "iss")
    ACCESS_TOKEN_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CODE_VERIFIER_FIELD_NUMBER: _ClassVar[int]
    ISS_FIELD_NUMBER: _ClassVar[int]
    access_token: str
    code: str
    state: str
    code_verifier: str
    iss: str
    def __init__(self, access_token: _Optional[str] = ..., code: _Optional[str] = ..., state: _Optional[str] = ..., code_verifier: _Optional[str] = ..., iss: _Optional[str] = ...) -> None: ...

class BindUserByOAuthResponse(_message.Message):
    __slots__ = ("token", "username", "avatar_url")
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    AVATAR_URL_FIELD_NUMBER: _ClassVar[int]
    token: TokenPair
    username: str
    avatar_url: str
    def __init__(self, token: _Optional[_Union[TokenPair, _Mapping]] = ..., username: _Optional[str] = ..., avatar_url: _Optional[str] = ...) -> None: ...

class SendLoginEmailCodeRequest(_message.Message):
    __slots__ = ("email", "use_html")
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    USE_HTML_FIELD_NUMBER: _ClassVar[int]
    email: str
    use_html: bool
    def __init__(self, email: _Optional[str] = ..., use_html: _Optional[bool] = ...) -> None: ...

class SendLoginEmailCodeResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class LoginByEmailCodeRequest(_message.Message):
    __slots__ = ("email", "code")
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    email: str
    code: str
    def __init__(self, email: _Optional[str] = ..., code: _Optional[str] = ...) -> None: ...

class LoginByEmailCodeResponse(_message.Message):
    __slots__ = ("token",)
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    token: TokenPair
    def __init__(self, token: _Optional[_Union[TokenPair, _Mapping]] = ...) -> None: ...

class RegisterByPasswordRequest(_message.Message):
    __slots__ = ("email", "password")
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    PASSWORD_FIELD_NUMBER: _ClassVar[int]
    email: str
    password: str
    def __init__(self, email: _Optional[str] = ..., password: _Optional[str] = ...) -> None: ...

class RegisterByPasswordResponse(_message.Message):
    __slots__ = ("token",)
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    token: TokenPair
    def __init__(self, token: _Optional[_Union[TokenPair, _Mapping]] = ...) -> None: ...

class LoginByPasswordRequest(_message.Message):
    __slots__ = ("email", "password")
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    PASSWORD_FIELD_NUMBER: _ClassVar[int]
    email: str
    password: str
    def __init__(self, email: _Optional[str] = ..., password: _Optional[str] = ...) -> None: ...

class LoginByPasswordResponse(_message.Message):
    __slots__ = ("token",)
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    token: TokenPair
    def __init__(self, token: _Optional[_Union[TokenPair, _Mapping]] = ...) -> None: ...

class RefreshTokenRequest(_message.Message):
    __slots__ = ("refresh_token",)
    REFRESH_TOKEN_FIELD_NUMBER: _ClassVar[int]
    refresh_token: str
    def __init__(self, refresh_token: _Optional[str] = ...) -> None: ...

class RefreshTokenResponse(_message.Message):
    __slots__ = ("token",)
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    token: TokenPair
    def __init__(self, token: _Optional[_Union[TokenPair, _Mapping]] = ...) -> None: ...

class RevokeRefreshTokenRequest(_message.Message):
    __slots__ = ("refresh_token",)
    REFRESH_TOKEN_FIELD_NUMBER: _ClassVar[int]
    refresh_token: str
    def __init__(self, refresh_token: _Optional[str] = ...) -> None: ...

class RevokeRefreshTokenResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class OAuthConnection(_message.Message):
    __slots__ = ("provider", "provider_user_id")
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_USER_ID_FIELD_NUMBER: _ClassVar[int]
    provider: str
    provider_user_id: str
    def __init__(self, provider: _Optional[str] = ..., provider_user_id: _Optional[str] = ...) -> None: ...

class OAuthProviderStatus(_message.Message):
    __slots__ = ("name", "enabled", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ENABLED_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    enabled: bool
    reason: str
    def __init__(self, name: _Optional[str] = ..., enabled: _Optional[bool] = ..., reason: _Optional[str] = ...) -> None: ...

class ListOAuthProvidersRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListOAuthProvidersResponse(_message.Message):
    __slots__ = ("providers",)
    PROVIDERS_FIELD_NUMBER: _ClassVar[int]
    providers: _containers.RepeatedCompositeFieldContainer[OAuthProviderStatus]
    def __init__(self, providers: _Optional[_Iterable[_Union[OAuthProviderStatus, _Mapping]]] = ...) -> None: ...

class GetCurrentUserLoginInfoRequest(_message.Message):
    __slots__ = ("access_token",)
    ACCESS_TOKEN_FIELD_NUMBER: _ClassVar[int]
    access_token: str
    def __init__(self, access_token: _Optional[str] = ...) -> None: ...

class GetCurrentUserLoginInfoResponse(_message.Message):
    __slots__ = ("user_id", "email", "github_id", "password_enabled", "oauth_connections", "email_verified")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    GITHUB_ID_FIELD_NUMBER: _ClassVar[int]
    PASSWORD_ENABLED_FIELD_NUMBER: _ClassVar[int]
    OAUTH_CONNECTIONS_FIELD_NUMBER: _ClassVar[int]
    EMAIL_VERIFIED_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    email: str
    github_id: str
    password_enabled: bool
    oauth_connections: _containers.RepeatedCompositeFieldContainer[OAuthConnection]
    email_verified: bool
    def __init__(self, user_id: _Optional[str] = ..., email: _Optional[str] = ..., github_id: _Optional[str] = ..., password_enabled: _Optional[bool] = ..., oauth_connections: _Optional[_Iterable[_Union[OAuthConnection, _Mapping]]] = ..., email_verified: _Optional[bool] = ...) -> None: ...

class ConfirmPasswordRegistrationRequest(_message.Message):
    __slots__ = ("email", "code", "password")
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    PASSWORD_FIELD_NUMBER: _ClassVar[int]
    email: str
    code: str
    password: str
    def __init__(self, email: _Optional[str] = ..., code: _Optional[str] = ..., password: _Optional[str] = ...) -> None: ...

class ConfirmPasswordRegistrationResponse(_message.Message):
    __slots__ = ("token",)
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    token: TokenPair
    def __init__(self, token: _Optional[_Union[TokenPair, _Mapping]] = ...) -> None: ...
