// LIFF SDKの、使う部分だけ(LINE.md 3.1)。
import liff from "@line/liff/core";
import CloseWindow from "@line/liff/close-window";
import GetAccessToken from "@line/liff/get-access-token";
import GetIDToken from "@line/liff/get-id-token";
import IsInClient from "@line/liff/is-in-client";
import IsLoggedIn from "@line/liff/is-logged-in";
import Login from "@line/liff/login";
import Logout from "@line/liff/logout";

for (const Part of [CloseWindow, GetAccessToken, GetIDToken, IsInClient, IsLoggedIn, Login, Logout]) liff.use(new Part());

export default liff;
